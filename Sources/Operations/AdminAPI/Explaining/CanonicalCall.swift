import HTTPSemantics
import WireProtocols

/// A call brought to canonical form by the very parser that reads calls from the wire.
enum CanonicalCall {
    /// - Returns: The request, without hop-by-hop fields and those that are Heddle's own; or why no call is like this.
    static func head(of question: CallQuestion, host: String, into head: inout MessageHead) -> HTTP1Error? {
        var text = "\(question.method ?? "GET") \(question.path ?? "/") HTTP/1.1\r\nHost: \(host)\r\n"
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
                bytes.span, into: &head, framing: &framing, limits: HTTP1Limits(), scan: &scan, scheme: .http)
            guard used == bytes.count else { return .invalidLineEnd }
        } catch {
            return error
        }
        head.removeHopByHopFields()
        head.removeHeddleFields()
        return nil
    }
}
