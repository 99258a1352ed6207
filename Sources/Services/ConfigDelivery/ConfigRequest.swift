import Authorization
import ConfigFormats
import ConfigValues
import HTTPSemantics
import Manifests
import ServiceContracts

/// What a call to `config.mesh` asks for.
struct ConfigRequest {
    enum Target {
        /// `/v1/configs/NS/NAME/values/PATH`
        case values(ConfigPath)
        /// `/v1/configs/NS/NAME/watch`
        case watch
    }

    let config: ResourceName
    let target: Target
    /// Of an answer that is one document.
    let format: ConfigFormat
    /// `If-None-Match`, or of a watch `Last-Event-ID`: a reader's own.
    let knownTags: [String]
    /// How long an answer that is the known one may be waited for.
    let patience: Duration?

    /// `?wait=`: longer is cut. Default: 60 s.
    static let longestWait = Duration.seconds(60)

    init(_ request: LocalRequest) throws(Problem) {
        guard let segments = request.pathSegments(), segments.count >= 5, segments[0] == "v1", segments[1] == "configs"
        else {
            throw .unknownPath
        }
        // A slash at the end says nothing.
        let rest = segments.dropFirst(5)
        let keys = rest.last == "" ? rest.dropLast() : rest
        switch segments[4] {
        case "values": target = .values(ConfigPath(Array(keys)))
        case "watch" where keys.isEmpty: target = .watch
        default: throw .unknownPath
        }
        switch target {
        // Answered as GET is, under the same rules; whoever carries the answer leaves its body out (RFC 9110 § 9.3.2).
        case .values where request.method == .head: break
        case .values: guard request.method == .get else { throw .notAllowed("GET, HEAD") }
        case .watch: guard request.method == .get else { throw .notAllowed("GET") }
        }
        let namespace = segments[2] == "~" ? request.caller.serviceAccountName?.namespace : segments[2]
        guard let namespace, !segments[3].isEmpty else { throw .unknownPath }
        config = ResourceName(namespace: namespace, name: segments[3])
        format = try Self.format(request.field("accept"), of: target)
        patience = try Self.patience(request.query())
        if case .watch = target {
            knownTags = request.field("last-event-id").map { [$0] } ?? []
        } else {
            knownTags = Self.tags(request.field("if-none-match"))
        }
    }

    /// `"a", W/"b"`: weak ones are compared as others are (RFC 9110 § 13.1.2).
    private static func tags(_ field: String?) -> [String] {
        (field ?? "").split(separator: ",").map { tag in
            var text = tag.drop { $0 == " " || $0 == "\t" }
            if text.hasPrefix("W/") { text = text.dropFirst(2) }
            while text.last == " " || text.last == "\t" { text = text.dropLast() }
            return text.hasPrefix("\"") && text.hasSuffix("\"") && text.utf8.count >= 2
                ? String(text.dropFirst().dropLast()) : String(text)
        }
    }

    /// The first that is known, in the order they stand; quality values say no more. Without any it is JSON.
    private static func format(_ accept: String?, of target: Target) throws(Problem) -> ConfigFormat {
        guard let accept else { return .json }
        // An event is one line, whatever its reader likes to have: JSON alone is.
        if case .watch = target { return .json }
        for item in accept.split(separator: ",") {
            let type = item.prefix { $0 != ";" }.filter { $0 != " " && $0 != "\t" }.lowercased()
            switch type {
            case "*/*", "application/*", "application/json": return .json
            case "application/yaml", "application/x-yaml", "text/yaml": return .yaml
            case "application/toml", "text/x-toml": return .toml
            default: continue
            }
        }
        throw .notAcceptable
    }

    private static func patience(_ query: String?) throws(Problem) -> Duration? {
        for item in (query ?? "").split(separator: "&") {
            let parts = item.split(separator: "=", maxSplits: 1)
            guard parts.first == "wait" else { continue }
            let text = parts.count == 2 ? parts[1] : ""
            let digits = text.hasSuffix("s") ? text.dropLast() : text
            // `Int` takes signs, too.
            guard digits.utf8.count <= 6, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
                let seconds = Int(digits)
            else { throw .invalidWait }
            return min(.seconds(seconds), longestWait)
        }
        return nil
    }
}
