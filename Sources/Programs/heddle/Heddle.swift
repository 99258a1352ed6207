import Glibc

@main enum Heddle {
    static func main() async {
        var options = [String: String]()
        let words = Array(CommandLine.arguments.dropFirst(2))
        for (name, value) in zip(words, words.dropFirst()) where name.hasPrefix("--") { options[name] = value }
        let state = options["--state"] ?? "/var/lib/heddle"
        do {
            try await MeshProcess(
                RunOptions(
                    manifestsFolder: options["--manifests"] ?? ".", node: options["--node"], stateFolder: state,
                    adminSocketPath: "\(state)/admin.sock", logLevel: .info)
            ).run()
        } catch { exit(1) }
    }
}
