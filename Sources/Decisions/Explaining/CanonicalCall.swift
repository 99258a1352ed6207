import HTTPSemantics
import WireProtocols

/// A call brought to canonical form by the very parser that reads calls from the wire.
enum CanonicalCall {
    /// - Returns: Why no call is like this.
    static func head(
        of question: CallQuestion, host: String, scheme: Scheme = .http, into head: inout MessageHead
    ) -> HTTP1Error? {
        let method = question.method ?? "GET"
        // CONNECT names a place and no path (RFC 9112 § 3.2.3).
        let target = question.path ?? (method == "CONNECT" ? "\(host):\(scheme == .https ? 443 : 80)" : "/")
        var text = "\(method) \(target) HTTP/1.1\r\nHost: \(method == "CONNECT" ? target : host)\r\n"
        for field in question.fields {
            text += "\(field.name): \(field.value.drop { $0 == " " || $0 == "\t" })\r\n"
        }
        text += "\r\n"
        // What was put between the line ends must not make lines of its own.
        let lines = 3 + question.fields.count
        guard text.utf8.count(where: { $0 == UInt8(ascii: "\n") }) == lines else { return .invalidLineEnd }

        let bytes = Array(text.utf8)
        var framing = HTTP1Framing()
        var scan = HTTP1ScanState()
        do throws(HTTP1Error) {
            let used = try HTTP1RequestParser.parse(
                bytes.span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan, scheme: scheme)
            guard used == bytes.count else { return .invalidLineEnd }
        } catch {
            return error
        }
        return nil
    }
}
