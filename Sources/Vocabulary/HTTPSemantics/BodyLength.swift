/// How a message's end is known.
public enum BodyLength: Hashable, Sendable {
    /// No byte follows the head.
    case none
    case bytes(UInt64)
    /// Ends when it ends: chunked in HTTP/1.1, END_STREAM in HTTP/2.
    case unknown

    // Asked at each step of a call: `==` would go by way of a witness table in another module.
    @inlinable @inline(__always)
    public var isNone: Bool { if case .none = self { true } else { false } }
    @inlinable @inline(__always)
    public var isUnknown: Bool { if case .unknown = self { true } else { false } }
}
