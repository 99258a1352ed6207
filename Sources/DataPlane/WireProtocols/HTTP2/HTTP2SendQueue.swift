/// The streams that have something to send, in the order of their turns.
///
/// SAFETY: a stream is taken out before it is closed, and alive until then.
@safe
struct HTTP2SendQueue: ~Copyable {
    /// A stream's place.
    @safe
    struct Link {
        fileprivate(set) var isQueued = false
        fileprivate var previous: Unmanaged<HTTP2Stream>?
        fileprivate var next: Unmanaged<HTTP2Stream>?
    }

    private var first: Unmanaged<HTTP2Stream>?
    private var last: Unmanaged<HTTP2Stream>?

    init() {}

    var isEmpty: Bool { unsafe first == nil }

    /// Gives a stream the last turn, if it has none yet.
    mutating func append(_ stream: HTTP2Stream) {
        guard !stream.link.isQueued else { return }
        let new = unsafe Unmanaged.passUnretained(stream)
        stream.link = unsafe Link(isQueued: true, previous: last, next: nil)
        if let last = unsafe last {
            unsafe last._withUnsafeGuaranteedRef { unsafe $0.link.next = new }
        } else {
            unsafe first = unsafe new
        }
        unsafe last = unsafe new
    }

    /// Takes a stream out, if it is there.
    mutating func remove(_ stream: HTTP2Stream) {
        guard stream.link.isQueued else { return }
        let link = stream.link
        stream.link = Link()
        if let previous = unsafe link.previous {
            unsafe previous._withUnsafeGuaranteedRef { unsafe $0.link.next = link.next }
        } else {
            unsafe first = unsafe link.next
        }
        if let next = unsafe link.next {
            unsafe next._withUnsafeGuaranteedRef { unsafe $0.link.previous = link.previous }
        } else {
            unsafe last = unsafe link.previous
        }
    }

    /// Forgets all, without a look at them.
    mutating func removeAll() {
        unsafe first = nil
        unsafe last = nil
    }

    /// Takes the first out.
    mutating func popFirst() -> HTTP2Stream? {
        guard let stream = unsafe first else { return nil }
        return unsafe stream._withUnsafeGuaranteedRef { stream in
            remove(stream)
            return stream
        }
    }
}
