import Diagnostics
import Manifests
import MeshSnapshot

/// Resolves files given as (name, YAML).
func resolve(_ files: [(String, String)], node: String? = nil, requiresNode: Bool = true) -> Resolution {
    Resolution(
        files.map { ManifestDecoder.decode(Array($0.1.utf8), path: $0.0) }, node: node, requiresNode: requiresNode)
}

/// Resolves one file, `mesh.yaml`.
func resolve(_ yaml: String, node: String? = nil, requiresNode: Bool = true) -> Resolution {
    resolve([("mesh.yaml", yaml)], node: node, requiresNode: requiresNode)
}

extension Resolution {
    var errors: [Diagnostic] { diagnostics.filter { $0.severity == .error } }
    var warnings: [Diagnostic] { diagnostics.filter { $0.severity == .warning } }
    /// `code@line:column` of every error.
    var errorPlaces: [String] { errors.map { "\($0.code.rawValue)@\($0.position.line):\($0.position.column)" } }
}

func service(_ name: String, _ spec: String = "endpoints: [{address: \"192.0.2.1:80\"}]") -> String {
    "---\napiVersion: heddle/v1\nkind: Service\nmetadata: {name: \(name)}\nspec: {\(spec)}\n"
}

func workload(_ name: String, _ spec: String) -> String {
    "---\napiVersion: heddle/v1\nkind: Workload\nmetadata: {name: \(name)}\nspec: {\(spec)}\n"
}

func node(_ name: String, _ address: String) -> String {
    "---\napiVersion: heddle/v1\nkind: Node\nmetadata: {name: \(name)}\nspec: {address: \"\(address)\"}\n"
}

/// A gateway; each listener is the inside of a YAML mapping.
func gateway(_ name: String, node: String? = nil, _ listeners: String...) -> String {
    let list = listeners.map { "{\($0)}" }.joined(separator: ", ")
    let place = node.map { "node: \($0), " } ?? ""
    return
        "---\napiVersion: heddle/v1\nkind: Gateway\nmetadata: {name: \(name)}\nspec: {\(place)listeners: [\(list)]}\n"
}

func route(_ name: String, _ spec: String) -> String {
    "---\napiVersion: heddle/v1\nkind: HTTPRoute\nmetadata: {name: \(name)}\nspec: {\(spec)}\n"
}

let filesAuthority = """
    ---
    apiVersion: heddle/v1
    kind: Mesh
    metadata: {name: mesh}
    spec: {identity: {authority: {type: Files, certificateFile: ca.pem, keyFile: ca.key}}}

    """
