/// The streams that have something to send, in the order of their turns. Those whose next byte needs the connection's window,
/// while it is full, wait apart: what needs no window is never behind them.
///
/// SAFETY: a stream is taken out before it is closed, and alive until then.
@safe
struct HTTP2SendQueue: ~Copyable {
    /// A stream's place.
    @safe
    struct Link {
        fileprivate enum Place {
            case none, ready, held
        }

        fileprivate var place = Place.none
        fileprivate var previous: Unmanaged<HTTP2Stream>?
        fileprivate var next: Unmanaged<HTTP2Stream>?
    }

    @safe
    private struct List: ~Copyable {
        var first: Unmanaged<HTTP2Stream>?
        var last: Unmanaged<HTTP2Stream>?

        var isEmpty: Bool { unsafe first == nil }

        mutating func append(_ stream: HTTP2Stream, _ place: Link.Place) {
            let new = unsafe Unmanaged.passUnretained(stream)
            stream.link = unsafe Link(place: place, previous: last, next: nil)
            if let last = unsafe last {
                unsafe last._withUnsafeGuaranteedRef { unsafe $0.link.next = new }
            } else {
                unsafe first = unsafe new
            }
            unsafe last = unsafe new
        }

        mutating func remove(_ stream: HTTP2Stream) {
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

        mutating func popFirst() -> HTTP2Stream? {
            guard let stream = unsafe first else { return nil }
            return unsafe stream._withUnsafeGuaranteedRef { stream in
                remove(stream)
                return stream
            }
        }

        mutating func removeAll() {
            unsafe first = nil
            unsafe last = nil
        }
    }

    private var ready = List()
    private var held = List()

    init() {}

    /// Gives a stream the last turn, if it has none yet and does not wait for the window.
    mutating func append(_ stream: HTTP2Stream) {
        guard stream.link.place == .none else { return }
        ready.append(stream, .ready)
    }

    /// Has a stream that has no turn wait for the connection's window.
    mutating func hold(_ stream: HTTP2Stream) {
        guard stream.link.place == .none else { return }
        held.append(stream, .held)
    }

    /// Takes a stream out, if it is there.
    mutating func remove(_ stream: HTTP2Stream) {
        switch stream.link.place {
        case .none: break
        case .ready: ready.remove(stream)
        case .held: held.remove(stream)
        }
    }

    /// Forgets all, without a look at them.
    mutating func removeAll() {
        ready.removeAll()
        held.removeAll()
    }

    /// A stream has its turn.
    /// - Parameter hasWindow: The connection's window has room.
    func hasNext(hasWindow: Bool) -> Bool { !ready.isEmpty || (hasWindow && !held.isEmpty) }

    /// Takes out whose turn it is: with a window, of those first that have waited for it.
    mutating func popFirst(hasWindow: Bool) -> HTTP2Stream? {
        if hasWindow, let stream = held.popFirst() { return stream }
        return ready.popFirst()
    }
}
