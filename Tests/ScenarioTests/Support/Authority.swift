import TestSupport

/// An operator's authority, and certificates of any kind made with openssl in a test's folder.
struct Authority {
    let folder: TestFolder
    /// Of the files `NAME.pem` and `NAME.key`.
    let name: String

    init(_ folder: TestFolder, name: String = "root", trustDomain: String = "mesh.local") throws {
        self.folder = folder
        self.name = name
        try makeKey(name)
        try openssl(
            "req", "-x509", "-new", "-key", key(name), "-sha256", "-days", "1", "-subj", "/O=\(trustDomain)/CN=\(name)",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-addext",
            "subjectAltName=URI:spiffe://\(trustDomain)", "-out", certificate)
    }

    /// Made by Heddle, in a folder of this name: `issue` signs with its signing certificate.
    init(_ folder: TestFolder, createdIn name: String, _ options: String...) throws {
        self.folder = folder
        self.name = "\(name)/signing"
        let result = try Heddle.run(["authority", "create", "--dir", folder.file(name)] + options)
        guard result.exitCode == 0 else { throw SetUpError("authority create: \(result.diagnostics)") }
    }

    var certificate: String { certificate(name) }
    func certificate(_ name: String) -> String { folder.file("\(name).pem") }
    func key(_ name: String) -> String { folder.file("\(name).key") }

    /// The manifest of a Gateway that shows the certificate of this name.
    /// - Parameter hostname: `nil`: all hosts.
    func gateway(_ name: String, port: UInt16, hostname: String? = nil) -> String {
        """
        apiVersion: heddle/v1
        kind: Gateway
        metadata: {name: edge, namespace: shop}
        spec:
          listeners:
          - name: https
            address: 127.0.0.1
            port: \(port)
            protocol: HTTPS
            \(hostname.map { "hostname: \"\($0)\"" } ?? "")
            tls:
              certificateFile: \(certificate(name))
              keyFile: \(key(name))

        """
    }

    /// A leaf of this authority with these names (`URI:…,DNS:…`), in `NAME.pem` and `NAME.key`.
    func issue(_ name: String, names: String?, days: Int = 1) throws {
        try makeKey(name)
        try openssl("req", "-new", "-key", key(name), "-subj", "/O=\(name)", "-out", folder.file("\(name).csr"))
        let extensions = [
            "basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature",
            "extendedKeyUsage=serverAuth,clientAuth", names.map { "subjectAltName=\($0)" },
        ]
        let file = folder.file("\(name).cnf")
        try Files.replace(file, extensions.compactMap(\.self).joined(separator: "\n"))
        try openssl(
            "x509", "-req", "-in", folder.file("\(name).csr"), "-CA", certificate, "-CAkey", key(self.name),
            "-set_serial",
            "\(UInt32.random(in: 1 ... .max))", "-days", "\(days)", "-extfile", file, "-out", certificate(name))
    }

    /// Certificates that sign themselves, in `NAME.pem` and `NAME.key`.
    /// - Parameters:
    ///   - days: From now; negative: over.
    ///   - key: As `openssl genpkey` takes it.
    func makeSelfSigned(
        _ name: String, days: Int, isAuthority: Bool = false, key kind: [String] = ["EC", "ec_paramgen_curve:P-256"]
    ) throws {
        try makeKey(name, kind)
        try openssl("req", "-new", "-key", key(name), "-subj", "/CN=\(name)", "-out", folder.file("\(name).csr"))
        let file = folder.file("\(name).cnf")
        try Files.replace(
            file,
            isAuthority
                ? "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign"
                : "subjectAltName=DNS:shop.example")
        try openssl(
            "x509", "-req", "-in", folder.file("\(name).csr"), "-signkey", key(name), "-days", "\(days)", "-extfile",
            file, "-out", certificate(name))
    }

    private func makeKey(_ name: String, _ kind: [String] = ["EC", "ec_paramgen_curve:P-256"]) throws {
        let file = key(name)
        try openssl(
            ["genpkey", "-algorithm", kind[0], "-out", file] + kind.dropFirst().flatMap { ["-pkeyopt", $0] })
        try Files.replace(file, Files.text(file))
    }

    private func openssl(_ arguments: String...) throws { try openssl(arguments) }

    private func openssl(_ arguments: [String]) throws {
        let result = try Tool.run("openssl", arguments, in: folder)
        guard result.status == .code(0) else { throw SetUpError("openssl \(arguments): \(result.errors)") }
    }
}
