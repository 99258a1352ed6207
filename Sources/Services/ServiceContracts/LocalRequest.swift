package import Authorization
package import CommonValues
package import HTTPSemantics

/// The head of a call as a local service sees it, and whose it is: in canonical form, without what is meant for a hop.
///
/// SAFETY: `@unchecked Sendable`: nothing of it changes once it is made.
package final class LocalRequest: @unchecked Sendable {
    package let head: MessageHead
    /// Whose call it is. Without an identity there is none.
    package let caller: Caller
    package let hasBody: Bool
    let peerAddress: IPAddress
    let remoteAddress: IPAddress
    let isRemoteAddressUnreadable: Bool

    /// - Parameters:
    ///   - head: Is copied.
    ///   - remoteAddress: The client's, as trusted proxies report it; `nil`: the peer is the client.
    package init(
        copying other: borrowing MessageHead, hasBody: Bool, caller: Caller,
        peerAddress: IPAddress = .unspecified, remoteAddress: IPAddress? = nil, isRemoteAddressUnreadable: Bool = false
    ) {
        // Many of them wait for long: no more memory than it takes.
        var head = MessageHead(byteCapacity: other.end, fieldCapacity: other.fieldCount)
        head.copy(other)
        self.head = head
        self.hasBody = hasBody
        self.caller = caller
        self.peerAddress = peerAddress
        self.remoteAddress = remoteAddress ?? peerAddress
        self.isRemoteAddressUnreadable = isRemoteAddressUnreadable
    }

    package var method: KnownMethod { head.knownMethod }

    /// What stands between the slashes of its path, with escapes decoded: `/v1/a%2Fb/` is `["v1", "a/b", ""]`.
    /// - Returns: `nil`: some of it is not UTF-8, so that it names nothing.
    package func pathSegments() -> [String]? { head.withBytes(head.path) { Self.segments($0) } }

    /// Without the `?`; `nil`: there is none.
    package func query() -> String? { head.hasQuery ? head.text(head.query) : nil }

    /// The first field of this name.
    /// - Parameter name: In lower case.
    package func field(_ name: StaticString) -> String? {
        for index in 0..<head.fieldCount where head.withBytes(head.fields[index].name, { ASCII.equal($0, name.bytes) })
        {
            return head.text(head.fields[index].value)
        }
        return nil
    }

    private static func segments(_ path: Span<UInt8>) -> [String]? {
        var segments: [String] = []
        var segment: [UInt8] = []
        var index = 1
        while index < path.count {
            let byte = path[index]
            index += 1
            if byte == UInt8(ascii: "/") {
                guard let text = String(validating: segment, as: UTF8.self) else { return nil }
                segments.append(text)
                segment.removeAll(keepingCapacity: true)
            } else if byte == UInt8(ascii: "%"), index + 1 < path.count, let high = ASCII.hexValue(path[index]),
                let low = ASCII.hexValue(path[index + 1])
            {
                segment.append(high << 4 | low)
                index += 2
            } else {
                segment.append(byte)
            }
        }
        guard let last = String(validating: segment, as: UTF8.self) else { return nil }
        return segments + [last]
    }
}
