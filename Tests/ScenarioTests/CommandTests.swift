import Glibc
import TestSupport
import Testing

/// What a person at a terminal sees: output, diagnostics, exit codes. Without a running mesh.
struct CommandTests {
    private let folder = TemporaryFolder()

    private func heddle(_ arguments: String..., environment: [String: String] = [:]) throws -> CommandResult {
        try Heddle.run(arguments, environment: environment)
    }

    static let good = """
        \(manifest("Service", "orders", "{protocol: HTTP}"))
        ---
        \(manifest("Workload", "orders-1", "{service: orders, address: \"127.0.0.1:8081\"}"))
        ---
        \(manifest("Workload", "web-1", "{serviceAccount: web, outbound: {listen: \"127.0.0.1:15101\"}, selectors: [{unix: {user: root}}]}"))
        ---
        apiVersion: heddle/v1
        kind: AuthorizationPolicy
        metadata: {name: web-reads-orders, namespace: shop}
        spec:
          targetRefs: [{kind: Service, name: orders}]
          rules:
          - from: [{source: {serviceAccounts: [shop/web]}}]
            to: [{operation: {methods: [GET]}}]

        """

    // MARK: explain

    @Test func `explain names the rule of an allowed call, and ends in 0`() throws {
        try folder.write("shop.yaml", Self.good)
        let result = try heddle("explain", "--from", "shop/web", "--to", "orders.shop", "--manifests", folder.path)
        #expect(result.exitCode == 0)
        #expect(
            result.output.contains("ALLOWED by ALLOW shop/web-reads-orders, rule 0 (\(folder.path)/shop.yaml:22:5)"))
    }

    @Test func `explain says why a call is denied, and ends in 1`() throws {
        try folder.write("shop.yaml", Self.good)
        let result = try heddle(
            "explain", "--from", "shop/web", "--to", "shop/orders", "--method", "POST", "--manifests", folder.path)
        #expect(result.exitCode == 1)
        #expect(result.output.contains("does not match to.operation.methods"))
    }

    @Test func `explain of a service that is not there is wrong usage`() throws {
        try folder.write("shop.yaml", Self.good)
        let result = try heddle("explain", "--to", "ordres", "--manifests", folder.path)
        #expect(result.exitCode == 2)
        #expect(result.diagnostics.contains("did you mean \"orders\"?"))
    }

    @Test func `explain of a folder with mistakes shows them`() throws {
        try folder.write("bad.yaml", "a: [")
        let result = try heddle("explain", "--to", "orders", "--manifests", folder.path)
        #expect(result.exitCode == 1)
        #expect(result.diagnostics.contains("bad.yaml:1:"))
    }

    // MARK: The rest

    @Test func `a question that is too long for the admin API is told to be that, and a folder takes it`() throws {
        try folder.write("shop.yaml", Self.good)
        let question = ["explain", "--to", "shop/orders", "--header", "x: \(String(repeating: "a", count: 70_000))"]
        let result = try Heddle.run(question + ["--state", folder.path])
        #expect(result.exitCode == 2)
        #expect(result.diagnostics.contains("the admin API of a running mesh takes 16384\n"), "\(result.diagnostics)")
        #expect(result.diagnostics.contains("ask a folder with --manifests"))
        #expect(try Heddle.run(question + ["--manifests", folder.path]).output.contains("service  shop/orders"))
        let named = try heddle("get", "service", String(repeating: "a", count: 20_000), "--state", folder.path)
        #expect(named.exitCode == 2, "\(named)")
    }

    @Test func `version says which`() throws {
        let result = try heddle("version")
        #expect(result.exitCode == 0)
        #expect(result.output.hasPrefix("heddle "))
        #expect(try heddle("--version").exitCode == 0)
        #expect(try heddle("status", "--version").exitCode == 0)
        #expect(try heddle("--generate-completion-script", "bash").exitCode == 0)
        #expect(try heddle("version", "--output", "json").output.contains("\"version\": \""))
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `completion prints a script`(shell: String) throws {
        let result = try heddle("completion", shell)
        #expect(result.exitCode == 0)
        #expect(result.output.contains("heddle"))
        #expect(result.output.contains("explain"))
    }

    @Test(arguments: [
        ["bogus"], ["check", "--bogus"], ["explain"], ["explain", "--to", "a", "--decision", "b"],
        ["explain", "--decision", "a", "--method", "GET"],
        ["explain", "--to", "a", "--manifests", "b", "--state", "c"], ["get"],
        ["get", "servise"], ["get", "all", "x"], ["delete", "service"], ["delete", "service", "a/b/c"],
        ["delete", "service", ".."], ["get", "service", "a/."], ["delete", "service", "a/b", "--namespace", "c"],
        ["get", "service", "a/b", "--namespace", "c"], ["apply"],
        ["run"], ["completion", "tcsh"],
        ["help", "bogus"], ["help", "get", "bogus"], ["bogus", "--help"], ["describe", "servise", "x"],
        ["apply", "--wait", "-f", "x"], ["status", "--admin", "/run/x.sock"], ["status", "--output", "xml"],
        ["explain", "--to", "a", "--header", "b"], ["authority", "crate"], ["authority", "create"],
        ["help", "authority", "bogus"],
        ["authority", "create", "--dir", "/nowhere/a", "--trust-domain", "Example.org"],
        ["authority", "create", "--dir", "/nowhere/a", "--root-days", "0"],
        ["authority", "create", "--dir", "/nowhere/a", "--signing-days", "-1"],
        ["authority", "create", "--dir", "/nowhere/a", "--signing-days", "36501"],
        ["authority", "create", "--dir", "/nowhere/a", "--root", "/nowhere/b", "--root-days", "30"],
    ])
    func `wrong usage ends in 2, with help on standard error`(arguments: [String]) throws {
        let result = try Heddle.run(arguments)
        #expect(result.exitCode == 2)
        #expect(result.output.isEmpty)
        #expect(result.diagnostics.contains("Usage: heddle"))
    }

    @Test(arguments: [
        ["status"], ["get", "services"], ["describe", "svc", "a/b"], ["delete", "svc", "a"],
        ["explain", "--to", "a"], ["explain", "--decision", "a"], ["certificate", "a/b"], ["apply", "--prune"],
    ])
    func `a mesh that does not run ends in 3`(arguments: [String]) throws {
        let result = try Heddle.run(arguments, environment: ["HEDDLE_STATE": folder.path])
        #expect(result.exitCode == 3)
        #expect(result.output.isEmpty)
        #expect(result.diagnostics.contains("\(folder.path)/admin.sock"))
    }

    @Test func `--admin comes before --state, and --state before HEDDLE_STATE`() throws {
        let environment = ["HEDDLE_STATE": folder.path + "/c"]
        let all = try heddle(
            "status", "--state", folder.path + "/b", "--admin", "unix:\(folder.path)/a", environment: environment)
        #expect(all.diagnostics.contains("\(folder.path)/a:"))
        let state = try heddle("status", "--state", folder.path + "/b", environment: environment)
        #expect(state.diagnostics.contains("\(folder.path)/b/admin.sock:"))
    }

    @Test(arguments: [
        ["version"], ["--version"], ["--help"], ["help", "apply"], ["completion", "fish"], ["check", "FOLDER"],
        ["check", "FOLDER", "-o", "json"], ["explain", "--to", "shop/orders", "--manifests", "FOLDER"],
    ])
    func `an output that cannot be written does not end in 0, and says why`(arguments: [String]) throws {
        try folder.write("shop.yaml", Self.good)
        let result = try Heddle.runWithFullDisk(arguments.map { $0.replacing("FOLDER", with: folder.path) })
        #expect(result.exitCode == 1)
        #expect(
            result.diagnostics.contains(
                "error: cannot write the output: No space left on device\nfree space on the disk\n"),
            "\(result.diagnostics)")
    }

    @Test func `what was made is told of though the output cannot be written, by words and by a code of its own`()
        throws
    {
        let made = try Heddle.runWithFullDisk(["authority", "create", "--dir", folder.path + "/authority"])
        #expect(made.exitCode == 4)
        #expect(made.diagnostics.hasSuffix("/authority was made all the same\n"), "\(made.diagnostics)")
        let again = try Heddle.runWithFullDisk(["authority", "create", "--dir", folder.path + "/authority"])
        #expect(again.exitCode == 1)
    }

    @Test(arguments: ["-", "/dev/stdin", "/dev/fd/3", "/proc/self/fd/3"])
    func `manifests are taken from a pipe`(name: String) throws {
        try folder.write("shop.yaml", Self.good)
        for arguments in [["check", name], ["explain", "--to", "shop/orders", "--manifests", name]] {
            let result = try Heddle.run(
                arguments, through: ["sh", "-c", "cat \(folder.path)/shop.yaml | \"$@\" 3<&0", "sh"])
            #expect(result.output.contains("resources in 1 file, no errors") || result.output.contains("shop/orders"))
            #expect(result.diagnostics.isEmpty, "\(result.diagnostics)")
        }
        let reached = try Heddle.run(
            ["apply", "-f", name, "--state", folder.path + "/state"],
            through: ["sh", "-c", "cat \(folder.path)/shop.yaml | \"$@\" 3<&0", "sh"])
        #expect(reached.exitCode == 3, "\(reached.diagnostics)")
    }

    @Test func `what is no manifest and no folder is told at once, where it is named and where it lies in a folder`()
        throws
    {
        #expect(unsafe mkfifo(folder.path + "/pipe.yaml", 0o600) == 0)
        let pipe = folder.path + "/pipe.yaml"
        for (path, what) in [(pipe, "a FIFO"), ("/dev/null", "a device")] {
            for arguments in [["check", path], ["apply", "-f", path]] {
                let result = try Heddle.run(arguments)
                #expect(result.exitCode == 1)
                #expect(
                    result.diagnostics.contains(
                        "error[folder.not-a-file]: found \(what), expected a manifest, or a folder of manifests"),
                    "\(result.diagnostics)")
            }
        }
        let lying = try heddle("check", folder.path).diagnostics
        #expect(lying.contains("pipe.yaml: error[folder.not-a-file]: found a FIFO, expected a file"), "\(lying)")
    }

    @Test func `apply of a file that is not there ends in 1`() throws {
        #expect(try heddle("apply", "-f", folder.path + "/none.yaml").exitCode == 1)
        #expect(try heddle("apply", "-f", folder.path).exitCode == 1)
    }

    // MARK: Mistyped words

    @Test(arguments: [
        (["statsu"], "There is no command 'statsu'. Did you mean 'status'?"),
        (["help", "chekc"], "There is no command 'chekc'. Did you mean 'check'?"),
        (["explane", "--help"], "There is no command 'explane'. Did you mean 'explain'?"),
        (["explain", "--form", "a"], "Unknown option '--form'. Did you mean '--from'?"),
        (["run", "--manifest", "a"], "Unknown option '--manifest'. Did you mean '--manifests'?"),
        (["apply", "--dryrun", "-f", "a"], "Unknown option '--dryrun'. Did you mean '--dry-run'?"),
        (["authority", "crate"], "'authority' has no command 'crate'. Did you mean 'create'?"),
        (["authority", "create", "--dri", "a"], "Unknown option '--dri'. Did you mean '--dir'?"),
        (["help", "status", "bogus"], "'status' has no command 'bogus'."),
        (["--versoin"], "Unknown option '--versoin'. Did you mean '--version'?"),
        (["get", "servise"], "there is no kind \"servise\"; did you mean \"service\"?"),
        (["describe", "servise", "a"], "there is no kind \"servise\"; did you mean \"service\"?"),
    ])
    func `what was probably meant is said`(arguments: [String], message: String) throws {
        let result = try Heddle.run(arguments)
        #expect(result.exitCode == 2)
        #expect(result.diagnostics.hasPrefix("Error: \(message)\n"), "\(result.diagnostics)")
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `shells complete kinds`(shell: String) throws {
        let script = try heddle("completion", shell).output
        #expect(["httproute", "authorizationpolicy"].allSatisfy(script.contains), "\(script)")
    }

    // MARK: Where a mesh cannot be asked

    @Test(.enabled(if: geteuid() == 0 && Tool.exists("setpriv"), "only root can become another user, with setpriv"))
    func `a socket that is another's says whose it is`() throws {
        // Where another may start it.
        let place = TemporaryFolder()
        _ = unsafe chmod(place.path, 0o755)
        #expect(try Tool.run("cp", Heddle.path, place.path + "/heddle") == 0)
        let result = try Heddle.run(
            ["status"], environment: ["HEDDLE_STATE": folder.path],
            through: ["setpriv", "--reuid=65534", "--clear-groups"], as: place.path + "/heddle")
        #expect(result.exitCode == 3)
        #expect(result.diagnostics.contains("\(folder.path) is not for user nobody: Permission denied\n"))
        #expect(result.diagnostics.contains("ask as root, whose it is (sudo heddle"))
        #expect(!result.diagnostics.contains("heddle run"))
    }

    @Test func `where no mesh runs, it says how to start one`() throws {
        let result = try heddle("status", environment: ["HEDDLE_STATE": folder.path])
        #expect(result.diagnostics.contains("no mesh runs at \(folder.path)/admin.sock: No such file"))
        #expect(result.diagnostics.contains("`heddle run`"))
    }

    /// Takes one connection, reads what is asked to its end or not at all, and ends it after some bytes.
    private func mesh(saying answer: String, hearing: Bool = true) throws -> String {
        let path = folder.path + "/admin.sock"
        _ = unsafe unlink(path)
        let listening = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
        let isBound = unsafe withUnsafeBytes(of: &address) {
            unsafe bind(
                listening, $0.baseAddress!.assumingMemoryBound(to: sockaddr.self),
                socklen_t(MemoryLayout<sockaddr_un>.size))
        }
        try #require(isBound == 0 && listen(listening, 8) == 0)
        spawn {
            let connection = Descriptors.accept(listening)
            var buffer = [UInt8](repeating: 0, count: 65536)
            var heard: [UInt8] = []
            while hearing, !String(decoding: heard, as: UTF8.self).contains("\r\n\r\n") {
                let count = unsafe recv(connection, &buffer, buffer.count, 0)
                guard count > 0 else { break }
                heard += buffer[..<count]
            }
            _ = unsafe send(connection, answer, answer.utf8.count, CInt(MSG_NOSIGNAL))
            close(connection)
            close(listening)
        }
        return path
    }

    @Test(arguments: ["", "HTTP/1.1 2", "HTTP/1.1 200 OK\r\ncontent-length: 40\r\n\r\nshop/orders"])
    func `of a mesh that ends before it has answered it is said that a change may have been made, by a code of its own`(
        answer: String
    ) throws {
        for (arguments, code) in [
            (["apply", "--prune"], 5), (["delete", "svc", "a"], 5), (["delete", "svc", "a", "--dry-run"], 3),
            (["status"], 3),
        ] as [([String], Int32)] {
            let path = try mesh(saying: answer)
            let result = try Heddle.run(arguments + ["--admin", "unix:\(path)"])
            #expect(result.exitCode == code, "\(arguments)")
            #expect(result.output.isEmpty)
            #expect(result.diagnostics.contains("the mesh at \(path) ended before it had answered"))
            #expect(result.diagnostics.contains("the change may have been made") == (code == 5))
        }
    }

    @Test(arguments: ["nonsense\r\n\r\n", "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nmore"])
    func `what answers otherwise than a mesh is told to be none`(answer: String) throws {
        let path = try mesh(saying: answer)
        let result = try heddle("apply", "--prune", "--admin", "unix:\(path)")
        #expect(result.exitCode == 3)
        #expect(result.diagnostics.contains("what answers at \(path) is no heddle"))
    }

    // MARK: Without /proc

    @Test(.enabled(if: geteuid() == 0, "only root may chroot"))
    func `arguments are known where /proc is not mounted`() throws {
        for library in try Heddle.libraries() {
            let target = folder.path + library
            try folder.write(String(library.dropFirst()), "")
            #expect(try Tool.run("cp", "-L", "--preserve=mode", library, target) == 0)
        }
        #expect(try Tool.run("cp", Heddle.path, folder.path + "/heddle") == 0)
        let version = try Heddle.run(["version"], through: ["chroot", folder.path], as: "/heddle")
        #expect(version.exitCode == 0)
        #expect(version.output.hasPrefix("heddle "))
        let wrong = try Heddle.run(["statsu"], through: ["chroot", folder.path], as: "/heddle")
        #expect(wrong.exitCode == 2)
    }

    // MARK: What is wrong with a key, and with a caller

    @Test func `a fault of a key underlines the key`() throws {
        try folder.write("edge.pem", "")
        try folder.write(
            "edge.yaml",
            """
            apiVersion: heddle/v1
            kind: Gateway
            metadata: {name: edge}
            spec:
              listeners:
              - name: https
                port: 8443
                protocol: HTTPS
                tls:
                  certificateFile: edge.pem
                  keyFile: edge.key
            """)
        let noCertificate = try heddle("check", folder.path)
        #expect(noCertificate.diagnostics.contains("edge.yaml:10:24: error[serving.bad-certificate]"))
        #expect(
            try Tool.run(
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
                "/CN=a",
                "-keyout", folder.path + "/edge.key", "-out", folder.path + "/edge.pem") == 0)
        let own = Files.text(folder.path + "/edge.key")
        #expect(
            try Tool.run(
                "openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
                folder.path + "/edge.key") == 0)
        _ = unsafe chmod(folder.path + "/edge.key", 0o600)
        let other = try heddle("check", folder.path)
        #expect(
            other.diagnostics.contains("put the certificate's own key in the place of this one"), "\(other.diagnostics)"
        )
        try folder.write("edge.key", own)
        _ = unsafe chmod(folder.path + "/edge.key", 0o644)
        let exposed = try heddle("check", folder.path)
        #expect(
            exposed.diagnostics.contains("edge.yaml:11:16: error[serving.bad-certificate]"), "\(exposed.diagnostics)")
        #expect(exposed.diagnostics.occurrences(of: "chmod 600") == 1, "\(exposed.diagnostics)")
        try folder.write("edge.key", "no key")
        _ = unsafe chmod(folder.path + "/edge.key", 0o600)
        let broken = try heddle("check", folder.path)
        #expect(broken.diagnostics.contains("edge.yaml:11:16: error[serving.bad-certificate]"), "\(broken.diagnostics)")
    }

    @Test func `a caller that nobody is is told of, by check and by explain`() throws {
        try folder.write("shop.yaml", Self.good.replacing("[shop/web]", with: "[shop/wbe]"))
        let check = try heddle("check", folder.path)
        #expect(check.exitCode == 0)
        #expect(check.diagnostics.contains("shop.yaml:22:40: warning[policy.unknown-caller]"), "\(check.diagnostics)")
        #expect(check.diagnostics.contains("change it to \"shop/web\""))
        let explain = try heddle("explain", "--from", "shop/wbe", "--to", "shop/orders", "--manifests", folder.path)
        #expect(
            explain.output.contains(
                "note: no workload or gateway has the service account shop/wbe, so nobody calls as it; did you mean \"shop/web\"?"
            ), "\(explain.output)")
        let other = try heddle("explain", "--from", "web", "--to", "shop/orders", "--manifests", folder.path)
        #expect(other.output.contains("account default/web, so nobody calls as it; did you mean \"shop/web\"?"))
    }

    @Test func `a port of a parent that is a Service is refused`() throws {
        try folder.write(
            "shop.yaml",
            Self.good + """
                ---
                apiVersion: heddle/v1
                kind: HTTPRoute
                metadata: {name: orders, namespace: shop}
                spec:
                  parentRefs: [{kind: Service, name: orders, port: 80}]
                  rules: [{backendRefs: [{name: orders}]}]

                """)
        let result = try heddle("check", folder.path)
        #expect(result.exitCode == 1)
        #expect(result.diagnostics.contains("error[manifest.conflicting-fields]: found port with a Service"))
    }
}
