import CommonValues
import HTTPSemantics

/// What a mirror's copy has with it on its way through workloads. Whoever passes it on, with the call's ID, is known to pass on a copy:
/// none is made of it, or what a loop costs would grow with the power of its mirrors.
///
/// Only this process can make one, for the calls of one ID alone. So nobody who is given no copy can keep a call from being copied.
struct CopyMark {
    /// Of the process: a call may come back to any worker, and to any listener of another generation.
    private static let hash = {
        var random = SystemRandomNumberGenerator()
        return SipHash(using: &random)
    }()

    private let value: UInt64

    init(of requestID: Span<UInt8>) { value = Self.hash(requestID) }

    /// Sixteen digits.
    var text: [UInt8] {
        (0..<16).map { index in
            ASCII.lowercaseHexDigit(UInt8(truncatingIfNeeded: value >> UInt64(60 - 4 * index) & 15))
        }
    }
}

extension MessageHead {
    /// A copy, as another node says, or a mark of this one that came back.
    func isCopy(isBetweenNodes: Bool) -> Bool {
        guard hasField(.heddleCopy) else { return false }
        if isBetweenNodes { return true }
        guard let text = onlyValue(of: .heddleCopy), let id = onlyValue(of: .requestID) else { return false }
        return ASCII.equal(bytes(text), CopyMark(of: bytes(id)).text.span)
    }

    /// Says to who receives it that it is a copy. Between nodes the word is enough: the workload's own node makes the mark that it will
    /// know again. A copy without an ID has none.
    package mutating func markCopy(isBetweenNodes: Bool) {
        if isBetweenNodes { return addField(.heddleCopy, value: ("1" as StaticString).bytes) }
        guard let id = onlyValue(of: .requestID) else { return }
        let mark = CopyMark(of: bytes(id)).text
        addField(.heddleCopy, value: mark.span)
    }
}
