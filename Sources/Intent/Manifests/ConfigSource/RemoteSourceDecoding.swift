import ConfigFormats
import Diagnostics
import HTTPSemantics
import YAMLSyntax

extension HTTPSource {
    init?(_ fields: inout FieldReader, _ problems: inout Problems) {
        let url = fields.required("url", located(Scalar.url), &problems)
        let interval = fields.optional(
            "interval", Scalar.duration(in: .seconds(1)...(.seconds(24 * 3600))), default: .seconds(30), &problems)
        let format = ConfigFormat.optional(
            "format", in: &fields, of: url.map { String($0.value.path) }, called: "url", &problems)
        let headers = fields.optional("headersFrom", HeaderFromFile.list, default: [], &problems)
        let caFile = fields.optional("caFile", located(Scalar.text), &problems)
        let names = DotenvNames(&fields, of: format, .http, &problems)
        if let url, caFile != nil, !url.value.isTLS {
            problems.report(
                .conflictingFields, at: fields.keyPosition("caFile"), found: "caFile with a URL of http",
                expected: "a URL of https: nobody shows a certificate without TLS",
                remedy: "change the URL to https, or remove caFile")
        }
        guard let url, let format else { return nil }
        self.init(url: url, interval: interval, format: format, headers: headers, caFile: caFile, names: names)
    }
}

extension HeaderFromFile {
    /// Headers of one request.
    private static let maximumCount = 32

    /// `headersFrom: {authorization: /run/secrets/token}`.
    fileprivate static func list(_ node: YAMLNode, _ problems: inout Problems) -> [HeaderFromFile]? {
        guard case .mapping(let entries) = node.content, !entries.isEmpty else {
            problems.report(
                .wrongType, node, expected: "a mapping of headers to files",
                remedy: "write it as {authorization: /path/of/its/value}")
            return nil
        }
        guard entries.count <= maximumCount else {
            problems.report(
                .outOfRange, at: node.position, found: "\(entries.count) headers",
                expected: "at most \(maximumCount)", remedy: "remove those that are not needed")
            return nil
        }
        var headers: [HeaderFromFile] = []
        for entry in entries {
            let key = YAMLNode(
                position: entry.keyPosition, content: .scalar(YAMLScalar(text: entry.key, isPlain: false)))
            guard let name = name(key, &problems), let file = Scalar.text(entry.value, &problems) else { continue }
            if let first = headers.first(where: { $0.name.value == name }) {
                problems.report(
                    .duplicateItem, at: entry.keyPosition, found: "the header \(Diagnostic.quoted(name)) a second time",
                    expected: "each header once, in letters of whatever case",
                    remedy: "remove it, or the one on line \(first.name.position.line)")
            }
            headers.append(
                HeaderFromFile(
                    name: Located(name, at: entry.keyPosition), file: Located(file, at: entry.value.position)))
        }
        return headers
    }

    /// Not what frames a request, what ends at the next hop, or what Heddle asks with.
    private static func name(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let name = Scalar.headerName(node, &problems) else { return nil }
        let bytes = Array(name.utf8)
        let known = KnownField(bytes.span)
        let isFraming = [.host, .contentLength, .trailer].contains(known) || known.isHopByHop
        guard !isFraming, !["if-none-match", "if-modified-since", "accept-encoding", "range"].contains(name) else {
            problems.report(
                .protectedHeader, node, expected: "a header that Heddle does not ask with",
                remedy: "remove it: Heddle writes it itself, or not at all")
            return nil
        }
        return name
    }
}

extension EtcdSource {
    /// Members of a cluster.
    private static let maximumEndpointCount = 16

    init?(_ fields: inout FieldReader, _ problems: inout Problems) {
        let endpoints = fields.requiredList("endpoints", located(Scalar.serverURL), &problems)
        let prefix = fields.required("prefix", Self.prefix, &problems)
        let types = fields.textTypes(&problems)
        let tls = fields.optional("tls", EtcdTLS.decode, default: EtcdTLS(), &problems)
        let user = fields.optional("user", located(Scalar.text), &problems)
        let passwordFile = fields.optional("passwordFile", located(Scalar.text), &problems)
        Self.check(endpoints, &problems)
        for (name, other) in [("user", "passwordFile"), ("passwordFile", "user")]
        where fields.has(name) && !fields.has(other) {
            problems.report(
                .conflictingFields, at: fields.keyPosition(name), found: "\(name) without \(other)",
                expected: "a user and the file that its password stands in", remedy: "add \(other), or remove \(name)")
        }
        if fields.has("tls"), let first = endpoints.first, !first.value.isTLS {
            problems.report(
                .conflictingFields, at: fields.keyPosition("tls"), found: "tls with endpoints of http",
                expected: "endpoints of https", remedy: "change the endpoints to https, or remove tls")
        }
        guard !endpoints.isEmpty, let prefix else { return nil }
        self.init(
            endpoints: endpoints, prefix: prefix, types: types, tls: tls,
            user: user.flatMap { name in passwordFile.map { EtcdUser(name: name, passwordFile: $0) } })
    }

    private static func check(_ endpoints: [Located<EndpointURL>], _ problems: inout Problems) {
        guard let first = endpoints.first else { return }
        if endpoints.count > maximumEndpointCount {
            problems.report(
                .outOfRange, at: first.position, found: "\(endpoints.count) endpoints",
                expected: "at most \(maximumEndpointCount)", remedy: "name fewer of them: each knows the others")
        }
        var seen: [EndpointURL: Int] = [:]
        for endpoint in endpoints {
            if let line = seen.updateValue(endpoint.position.line, forKey: endpoint.value) {
                problems.report(
                    .duplicateItem, at: endpoint.position, found: Diagnostic.quoted("\(endpoint.value)"),
                    expected: "each endpoint once", remedy: "remove it, or the one on line \(line)")
            }
        }
        // The same keys would be read over TLS and without, depending on which one answers.
        if let other = endpoints.first(where: { $0.value.isTLS != first.value.isTLS }) {
            problems.report(
                .conflictingFields, at: other.position, found: Diagnostic.quoted("\(other.value)"),
                expected: "all endpoints of http, or all of https", remedy: "change it to the others' scheme")
        }
    }

    /// Begins with `/`.
    private static func prefix(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = Scalar.text(node, &problems) else { return nil }
        guard text.hasPrefix("/"), text.utf8.count <= 1024, !text.contains("//") else {
            problems.report(
                .invalidValue, node, expected: "the beginning of keys, 1024 bytes at most: \"/\" and what follows it",
                remedy: text.hasPrefix("/") ? "write one \"/\" between names" : "begin it with \"/\"")
            return nil
        }
        return text
    }
}

extension EtcdTLS {
    fileprivate static func decode(_ node: YAMLNode, _ problems: inout Problems) -> EtcdTLS? {
        guard var fields = node.fields(of: "tls", &problems) else { return nil }
        let caFile = fields.optional("caFile", located(Scalar.text), &problems)
        let certFile = fields.optional("certFile", located(Scalar.text), &problems)
        let keyFile = fields.optional("keyFile", located(Scalar.text), &problems)
        fields.reportUnknownFields(&problems)
        for (name, other) in [("certFile", "keyFile"), ("keyFile", "certFile")]
        where fields.has(name) && !fields.has(other) {
            problems.report(
                .conflictingFields, at: fields.keyPosition(name), found: "\(name) without \(other)",
                expected: "a certificate and its key", remedy: "add \(other), or remove \(name)")
        }
        let certificate = certFile.flatMap { cert in
            keyFile.map { ClientCertificate(certFile: cert, keyFile: $0) }
        }
        return EtcdTLS(caFile: caFile, certificate: certificate)
    }
}
