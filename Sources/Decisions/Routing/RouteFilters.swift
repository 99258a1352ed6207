package import HTTPSemantics
import Manifests

/// Header changes of one filter or several in a row, in their order.
struct HeaderOperations: Sendable {
    enum Kind: UInt8, Sendable { case set, add, remove }

    struct Operation: Sendable {
        let kind: Kind
        let known: KnownField
        /// In `text`, lower case.
        let name: ByteRange
        /// In `text`; empty for `.remove`.
        let value: ByteRange
    }

    private(set) var operations: [Operation] = []
    private(set) var text: [UInt8] = []

    var isEmpty: Bool { operations.isEmpty }

    /// In Gateway API's order: set, add, remove.
    mutating func append(_ modifier: HeaderModifier) {
        for field in modifier.set { append(.set, field.name, field.value) }
        for field in modifier.add { append(.add, field.name, field.value) }
        for name in modifier.remove { append(.remove, name, "") }
    }

    private mutating func append(_ kind: Kind, _ name: String, _ value: String) {
        let lowercased = name.lowercased()
        let nameRange = ByteRange(offset: text.count, count: lowercased.utf8.count)
        text += lowercased.utf8
        let valueRange = ByteRange(offset: text.count, count: value.utf8.count)
        text += value.utf8
        let known = KnownField(text.span.extracting(nameRange.bounds))
        operations.append(Operation(kind: kind, known: known, name: nameRange, value: valueRange))
    }

    func apply(to head: inout MessageHead) {
        let text = text.span
        for index in operations.indices {
            let operation = operations[index]
            let name = text.extracting(operation.name.bounds)
            switch operation.kind {
            case .set:
                head.setField(name: name, known: operation.known, value: text.extracting(operation.value.bounds))
            case .add:
                head.addField(name: name, known: operation.known, value: text.extracting(operation.value.bounds))
            case .remove: head.removeField(name: name, known: operation.known)
            }
        }
    }
}

/// What a path becomes; canonical in, canonical out.
enum CompiledPathModifier: Sendable {
    /// The whole path, canonical.
    case full([UInt8])
    /// What stands for the matched prefix: empty, or canonical without a slash at its end.
    case prefix([UInt8])

    init(_ modifier: PathModifier) {
        switch modifier {
        case .replaceFullPath(let path): self = .full(path.isEmpty ? [UInt8(ascii: "/")] : Array(path.utf8))
        case .replacePrefixMatch(let prefix):
            var bytes = Array(prefix.utf8)
            while bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
            self = .prefix(bytes)
        }
    }
}

/// The filters of a rule or of a backend, ready to run.
struct CompiledFilters: Sendable {
    var request = HeaderOperations()
    var response = HeaderOperations()
    /// Empty: unchanged.
    var hostname: [UInt8] = []
    var path: CompiledPathModifier?
    var redirect: RouteRedirect?

    init(_ filters: [HTTPRouteFilter]) {
        for filter in filters {
            switch filter {
            case .requestHeaderModifier(let modifier): request.append(modifier)
            case .responseHeaderModifier(let modifier): response.append(modifier)
            case .requestRedirect(let redirect): self.redirect = RouteRedirect(redirect)
            case .urlRewrite(let rewrite):
                if let name = rewrite.hostname { hostname = Array(name.utf8) }
                if let modifier = rewrite.path { path = CompiledPathModifier(modifier) }
            case .requestMirror: break  // the table's: mirrors have clusters
            }
        }
    }
}

extension RouteRule {
    /// Makes of a request what the chosen backend receives: the rule's filters, then the backend's, whose path and
    /// hostname win over the rule's. Host and path are in canonical form afterwards as they were before.
    ///
    /// A new host becomes both `head.host`, without a port, and the `Host` field, where there is one. Paths that do not
    /// begin with `/` (`OPTIONS *`, `CONNECT`) stay as they are.
    /// - Parameters:
    ///   - prefixByteCount: The match's.
    ///   - backend: Where it stands in `backends`.
    package func rewrite(_ head: inout MessageHead, prefixByteCount: Int, backend: Int) {
        filters.request.apply(to: &head)
        backends[backend].filters.request.apply(to: &head)
        if !backends[backend].filters.hostname.isEmpty {
            head.replaceHost(with: backends[backend].filters.hostname)
        } else if !filters.hostname.isEmpty {
            head.replaceHost(with: filters.hostname)
        }
        if let path = backends[backend].filters.path ?? filters.path {
            head.replacePath(by: path, prefixByteCount: prefixByteCount)
        }
    }

    /// Makes of a request what a mirror receives: the rule's filters without a backend's.
    package func rewriteForMirror(_ head: inout MessageHead, prefixByteCount: Int) {
        filters.request.apply(to: &head)
        if !filters.hostname.isEmpty { head.replaceHost(with: filters.hostname) }
        if let path = filters.path { head.replacePath(by: path, prefixByteCount: prefixByteCount) }
    }

    /// Changes a response's fields: the backend's filters, then the rule's.
    /// - Parameter backend: Where it stands in `backends`; `nil` for a response that no backend gave.
    package func modifyResponse(_ head: inout MessageHead, backend: Int?) {
        if let backend { backends[backend].filters.response.apply(to: &head) }
        filters.response.apply(to: &head)
    }
}

extension MessageHead {
    fileprivate mutating func replaceHost(with name: [UInt8]) {
        host = append(name.span)
        hostPort = 0
        if hasField(.host) { setField(.host, to: name.span) }
    }

    fileprivate mutating func replacePath(by modifier: CompiledPathModifier, prefixByteCount: Int) {
        guard path.count > 0, storage[Int(path.offset)] == UInt8(ascii: "/") else { return }
        let range: ByteRange
        switch modifier {
        case .full(let bytes): range = append(bytes.span)
        case .prefix(let bytes):
            let start = end
            _ = append(bytes.span)
            for index in path.bounds.dropFirst(prefixByteCount) { appendByte(storage[index]) }
            if end == start { appendByte(UInt8(ascii: "/")) }
            range = ByteRange(offset: start, count: end - start)
        }
        // Both parts are canonical, and so is the whole: this finds nothing to mend. Should a manifest's value ever not be,
        // its canonical form counts; if it has none, the path stays what it was.
        try? replacePath(canonicalizing: range)
    }
}
