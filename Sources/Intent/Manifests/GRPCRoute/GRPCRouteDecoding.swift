import Diagnostics
import RegularExpressions
import YAMLSyntax

extension GRPCRoute {
    init?(_ metadata: Metadata, _ spec: YAMLNode, _ problems: inout Problems) {
        guard let fields = CallRouteFields<GRPCRouteMatch>(metadata, spec, &problems) else { return nil }
        self.init(
            metadata: metadata, parentRefs: fields.parentRefs, hostnames: fields.hostnames, rules: fields.rules)
    }
}

extension GRPCRouteMatch: CallRouteMatch {
    static let routeKind = ResourceKind.grpcRoute
    static let matchesByDefault: [GRPCRouteMatch] = []
    var isPathPrefix: Bool { false }

    static func decode(_ node: YAMLNode, _ problems: inout Problems) -> GRPCRouteMatch? {
        guard var fields = node.fields(of: "a match", &problems) else { return nil }
        let method = fields.optional("method", GRPCMethodMatch.decode, &problems)
        let headers = HTTPRouteMatch.headers(in: &fields, &problems)
        fields.reportUnknownFields(&problems)
        return GRPCRouteMatch(method: method, headers: headers)
    }
}

extension GRPCMethodMatch {
    private enum MatchType: String, CaseIterable {
        case exact = "Exact"
        case regularExpression = "RegularExpression"
    }

    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> GRPCMethodMatch? {
        guard var fields = node.fields(of: "method", &problems) else { return nil }
        let type = fields.optional("type", Scalar.choice(of: MatchType.self), default: .exact, &problems)
        let service: GRPCNameMatch?
        let method: GRPCNameMatch?
        switch type {
        case .exact:
            service = fields.optional("service", exactService, &problems).map(GRPCNameMatch.exact)
            method = fields.optional("method", exactMethod, &problems).map(GRPCNameMatch.exact)
        case .regularExpression:
            service = fields.optional("service", Scalar.regularExpression, &problems)
                .map(GRPCNameMatch.regularExpression)
            method = fields.optional("method", Scalar.regularExpression, &problems)
                .map(GRPCNameMatch.regularExpression)
        }
        fields.reportUnknownFields(&problems)
        if !fields.has("service"), !fields.has("method") {
            problems.report(
                .missingField, at: node.position, found: "method without \"service\" and \"method\"",
                expected: "the service, the method, or both", remedy: "add service or method")
        }
        return service == nil && method == nil ? nil : GRPCMethodMatch(service: service, method: method)
    }

    /// A service as its `.proto` file names it, with its package: `shop.v1.Orders`.
    private static func exactService(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        if text.utf8.count <= 1024, parts.allSatisfy(\.isProtobufIdentifier) { return text }
        problems.report(
            .invalidValue, node, expected: "a gRPC service with its package, such as \"shop.v1.Orders\"",
            remedy: text == "*"
                ? "leave service out to match every one"
                : text.contains("/")
                    ? "remove the \"/\", and give the method in method" : "write it as the .proto file names it")
        return nil
    }

    private static func exactMethod(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        if text.utf8.count <= 1024, text.isProtobufIdentifier { return text }
        problems.report(
            .invalidValue, node, expected: "a gRPC method, such as \"GetOrder\"",
            remedy: text == "*"
                ? "leave method out to match every one"
                : text.contains("/") || text.contains(".")
                    ? "name the method alone, and its service in service" : "write it as the .proto file names it")
        return nil
    }
}

extension StringProtocol where UTF8View: BidirectionalCollection {
    /// A letter or `_`, then letters, digits and `_`.
    fileprivate var isProtobufIdentifier: Bool {
        func isLetter(_ byte: UInt8) -> Bool {
            (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "_")
        }
        guard let first = utf8.first, isLetter(first) else { return false }
        return utf8.allSatisfy { isLetter($0) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}

extension Scalar {
    static func regularExpression(_ node: YAMLNode, _ problems: inout Problems) -> RegularExpression? {
        guard let text = text(node, &problems) else { return nil }
        guard text.utf8.count <= 1024 else {
            problems.report(
                .outOfRange, at: node.position, found: "an expression of \(text.utf8.count) bytes",
                expected: "at most 1024 bytes", remedy: "shorten it")
            return nil
        }
        do throws(RegularExpression.Mistake) {
            return try RegularExpression(text, for: .wholeName)
        } catch {
            problems.report(
                .invalidValue, node, expected: "a regular expression that matches the whole name",
                remedy: error.remedy)
            return nil
        }
    }
}
