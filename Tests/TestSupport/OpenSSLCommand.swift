package import Cryptography
package import Foundation

/// The openssl command in a folder of its own, as the other side of the tests.
package final class OpenSSLCommand {
    package let folder: String

    package init() throws {
        folder = NSTemporaryDirectory() + "heddle-tls-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    package func path(_ name: String) -> String { "\(folder)/\(name)" }

    package func write(_ bytes: [UInt8], to name: String, mode: Int = 0o600) throws {
        guard
            FileManager.default.createFile(
                atPath: path(name), contents: Data(bytes), attributes: [.posixPermissions: mode])
        else { throw SetUpError("cannot write \(path(name))") }
    }

    package func contents(of name: String) throws -> [UInt8] {
        guard let contents = FileManager.default.contents(atPath: path(name)) else {
            throw SetUpError("cannot read \(path(name))")
        }
        return Array(contents)
    }

    /// Writes `NAME.pem` and `NAME.key`.
    package func write(_ credentials: TLSCredentials, as name: String) throws {
        try write(credentials.chain.flatMap { try $0.pem() }, to: "\(name).pem")
        try write(credentials.key.pem(), to: "\(name).key")
    }

    /// Runs `openssl ARGUMENTS` in the folder to its end.
    @discardableResult
    package func run(_ arguments: String...) throws -> (status: Int32, output: String) {
        let process = try start(arguments)
        return process.finish()
    }

    /// A certificate that signs itself, in `NAME.pem` and `NAME.key`.
    /// - Parameters:
    ///   - key: As `openssl genpkey` takes it: the algorithm, then its options.
    ///   - extensions: As in openssl.cnf.
    package func makeSelfSigned(_ name: String, key: [String], extensions: [String] = []) throws {
        let steps: [[String]] = [
            ["genpkey", "-algorithm", key[0], "-out", "\(name).key"] + key.dropFirst().flatMap { ["-pkeyopt", $0] },
            [
                "req", "-x509", "-new", "-key", "\(name).key", "-subj", "/CN=\(name)", "-days", "1", "-out",
                "\(name).pem",
            ]
                + extensions.flatMap { ["-addext", $0] },
        ]
        for step in steps {
            let done = try start(step).finish()
            guard done.status == 0 else { throw SetUpError(done.output) }
        }
    }

    package func start(_ arguments: [String]) throws -> Running {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let log = path("log-" + UUID().uuidString)
        guard FileManager.default.createFile(atPath: log, contents: nil), let output = FileHandle(forWritingAtPath: log)
        else { throw SetUpError("no log") }
        process.standardOutput = output
        process.standardError = output
        let input = Pipe()
        process.standardInput = input
        try process.run()
        return Running(process: process, input: input, log: log)
    }

    /// A leaf for `web` from `ca.pem` and `ca.key`, with extensions as openssl.cnf has them.
    package func makeLeaf(_ name: String, extensions: String, days: Int = 1) throws {
        try run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(name).key")
        try run("req", "-new", "-key", "\(name).key", "-subj", "/O=web", "-out", "\(name).csr")
        try write(Array(extensions.utf8), to: "\(name).cnf")
        let made = try run(
            "x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-days",
            String(days), "-extfile", "\(name).cnf", "-out", "\(name).pem")
        guard made.status == 0 else { throw SetUpError(made.output) }
    }

    package struct Running {
        let process: Process
        package let input: Pipe
        let log: String

        package func finish() -> (status: Int32, output: String) {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
            let output = FileManager.default.contents(atPath: log) ?? Data()
            return (process.terminationStatus, String(decoding: output, as: UTF8.self))
        }
    }
}
