import TestSupport
import Testing

extension ScenarioTests {
    @Suite struct `A dry run` {
        private let backend = TestBackend.forgetfulEcho()
        private let folder: TestFolder

        init() throws {
            folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: TestPort.free(), orders: backend.port))
        }

        /// - Returns: What is said of what is handed in, and by which name that is.
        private func dryRun(_ text: String) throws -> (diagnostics: String, file: String) {
            let heddle = try HeddleProcess.serving(folder)
            let file = folder.file("handed-in.yaml")
            try Files.replace(file, text)
            let result = try Heddle.run(["apply", "-f", file, "--dry-run", "--state", folder.state()])
            #expect(result.output.contains("nothing was written"), "\(result)")
            #expect(heddle.terminate() == .code(0))
            return (result.diagnostics, file)
        }

        @Test func `tells what would be held back before it warns of anything`() throws {
            let stranger = TestBackend.fixed("")
            let gateway = """
                apiVersion: heddle/v1
                kind: Gateway
                metadata: {name: edge, namespace: shop}
                spec: {listeners: [{name: a, address: 127.0.0.1, port: \(stranger.port), protocol: HTTP}]}
                """
            let (found, _) = try dryRun(gateway)
            let kinds = found.matches(of: /: (error|warning)\[/).map { String($0.1) }
            #expect(Set(kinds) == ["error", "warning"], "\(found)")
            #expect(kinds == kinds.sorted(), "\(found)")
            _ = stranger
        }

        @Test func `finds the fault in what is handed in, and not in what lies there already`() throws {
            let gateway = """
                apiVersion: heddle/v1
                kind: Gateway
                metadata: {name: z, namespace: shop}
                spec: {listeners: [{name: a, address: 127.0.0.1, port: \(TestPort.free()), protocol: HTTP}]}

                """
            try folder.write(gateway, as: "z.yaml")
            let (found, file) = try dryRun(gateway.replacing("name: z,", with: "name: a,"))
            let errors = found.split(separator: "\n").filter { $0.contains(": error[manifest.overlapping-listeners]") }
            #expect(errors.count == 1 && errors[0].hasPrefix("\(file):4:"), "\(found)")
            #expect(found.contains("listener \"a\" of Gateway \"z\" at z.yaml:4:"), "\(found)")
        }

        @Test func `leaves no trace in the state folder, and no socket`() throws {
            let heddle = try HeddleProcess.serving(folder)
            let socket = folder.file("web.sock")
            let file = folder.file("handed-in.yaml")
            try Files.replace(
                file,
                """
                apiVersion: heddle/v1
                kind: Mesh
                metadata: {name: mesh}
                spec: {trustDomain: other.example, proxy: {accessLog: None}}
                ---
                \(Shop.workload("web-2", "serviceAccount: web2, outbound: {listen: \"unix:\(socket)\"}"))
                """)
            let authority = "\(folder.state())/authority"
            let before = Files.names(in: authority)
            let result = try Heddle.run(["apply", "-f", file, "--dry-run", "--state", folder.state()])
            #expect(result.output.contains("nothing was written"), "\(result)")
            #expect(Files.names(in: authority) == before)
            #expect(!Files.exists(socket))
            #expect(heddle.terminate() == .code(0))
        }

        @Test func `names other places, too, in what was handed in`() throws {
            let (found, file) = try dryRun(
                Shop.allowAll.replacing("namespace: shop", with: "namespace: more")
                    .replacing("rules: [{}]", with: "rules: [{}, {to: [{operation: {methods: [GET]}}]}]"))
            let other = found.firstMatch(of: /changes nothing: (\S+):\d+:\d+ already matches/)
            #expect(other.map { String($0.1) } == file, "\(found)")
        }
    }
}
