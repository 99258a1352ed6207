import Diagnostics
import FuzzKit
import Manifests

// Whatever the bytes are: no trap, no hang, positions within the file, mistakes in order and no more than are kept.

FuzzLoop.explore(
    name: "yaml",
    dictionary: [
        "apiVersion: heddle/v1\n", "kind: ", "metadata: {name: a}\n", "spec:\n", "\n---\n", "...\n", "&a ", "*a",
        "!!str ", "! ",
        "<<: ", "? ", ": ", "- ", "|\n", ">-\n", "{", "}", "[", "]", "\"", "'", "\\u0000", "\\x41", "%YAML 1.1\n",
        "%TAG ! a\n", "#", "\t", "\r\n",
        "\u{FEFF}", "\u{2028}", "null", "~", "true", "0x1F", "1e9", "99999999999999999999", "1h30m", "127.0.0.1:80",
        "[::1]:80",
        "unix:/a", "10.0.0.0/8", "*.example.org", "/a/{*}/{**}", "/%2e%2e/", "request.headers[a]",
        "hostnames: ",
        "rules:\n- ", "matches: ",
        "filters: ",
        "backendRefs: ", "from: ", "source: ", "to: ", "operation: ", "when: ", "paths: ", "notPaths: ", "ipBlocks: ",
        "weight: ", "method: ", "RegularExpression", "(a|[b-c]{2,}).*", "protocol: TCP", "Passthrough", "outbound: ",
        "tcp: ",
    ] + Kinds.all.kinds.map(\.rawValue)
) { input in
    let file = ManifestDecoder.decode(input, path: "fuzz.yaml")
    let lineCount = 1 + input.count { $0 == 0x0A || $0 == 0x0D }
    var feature: UInt64 = UInt64(min(file.resources.count, 3))
    var previous: SourcePosition?
    precondition(file.diagnostics.count <= 1_001)
    for diagnostic in file.diagnostics {
        let position = diagnostic.position
        precondition((1...lineCount).contains(position.line) && position.column >= 1 && position.length >= 0)
        precondition(previous.map { !(position < $0) } ?? true)
        previous = position
        for byte in Array(diagnostic.code.rawValue.utf8) + diagnostic.expected.utf8.prefix(24) {
            feature = (feature ^ UInt64(byte)) &* 0x100_0000_01B3
        }
    }
    for resource in file.resources { feature = feature &* 31 &+ UInt64(resource.kind.rawValue.utf8.count) }
    if file.diagnostics.count < 20 {
        let source = SourceText(input)
        for diagnostic in file.diagnostics { precondition(!diagnostic.rendered(in: source).isEmpty) }
    }
    return feature
}
