import Foundation
import Glibc
import SPIFFE
import TestSupport
import TransportSecurity

/// The openssl command in a folder of its own, as the other side of the tests.
final class OpenSSLCommand {
    let folder: String

    init() throws {
        folder = NSTemporaryDirectory() + "heddle-tls-" + UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    }

    deinit { try? FileManager.default.removeItem(atPath: folder) }

    func path(_ name: String) -> String { "\(folder)/\(name)" }

    func write(_ bytes: [UInt8], to name: String, mode: Int = 0o600) throws {
        guard
            FileManager.default.createFile(
                atPath: path(name), contents: Data(bytes), attributes: [.posixPermissions: mode])
        else { throw SetUpError(text: "cannot write \(path(name))") }
    }

    /// Writes `NAME.pem` and `NAME.key`.
    func write(_ credentials: TLSCredentials, as name: String) throws {
        try write(credentials.chain.flatMap { try $0.pem() }, to: "\(name).pem")
        try write(credentials.key.pem(), to: "\(name).key")
    }

    /// Runs `openssl ARGUMENTS` in the folder to its end.
    @discardableResult
    func run(_ arguments: String...) throws -> (status: Int32, output: String) {
        let process = try start(arguments)
        return process.finish()
    }

    /// A certificate that signs itself, in `NAME.pem` and `NAME.key`.
    /// - Parameters:
    ///   - key: As `openssl genpkey` takes it: the algorithm, then its options.
    ///   - extensions: As in openssl.cnf.
    func makeSelfSigned(_ name: String, key: [String], extensions: [String] = []) throws {
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
            guard done.status == 0 else { throw SetUpError(text: done.output) }
        }
    }

    func start(_ arguments: [String]) throws -> Running {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = arguments
        process.currentDirectoryURL = URL(fileURLWithPath: folder)
        let log = path("log-" + UUID().uuidString)
        guard FileManager.default.createFile(atPath: log, contents: nil), let output = FileHandle(forWritingAtPath: log)
        else { throw SetUpError(text: "no log") }
        process.standardOutput = output
        process.standardError = output
        let input = Pipe()
        process.standardInput = input
        try process.run()
        return Running(process: process, input: input, log: log)
    }

    /// A leaf for `web` from `ca.pem` and `ca.key`, with extensions as openssl.cnf has them.
    func makeLeaf(_ name: String, extensions: String, days: Int = 1) throws {
        try run("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", "\(name).key")
        try run("req", "-new", "-key", "\(name).key", "-subj", "/O=web", "-out", "\(name).csr")
        try write(Array(extensions.utf8), to: "\(name).cnf")
        let made = try run(
            "x509", "-req", "-in", "\(name).csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-set_serial", "7", "-days",
            String(days), "-extfile", "\(name).cnf", "-out", "\(name).pem")
        guard made.status == 0 else { throw SetUpError(text: made.output) }
    }

    struct Running {
        let process: Process
        let input: Pipe
        let log: String

        func finish() -> (status: Int32, output: String) {
            try? input.fileHandleForWriting.close()
            process.waitUntilExit()
            let output = FileManager.default.contents(atPath: log) ?? Data()
            return (process.terminationStatus, String(decoding: output, as: UTF8.self))
        }
    }
}

/// A TCP socket on loopback.
final class LoopbackListener {
    private let descriptor: CInt
    let port: UInt16

    init() throws {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let bound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe bind(descriptor, address, length) == 0 && listen(descriptor, 5) == 0
                    && getsockname(descriptor, address, &length) == 0
            }
        }
        guard bound else { throw SetUpError(text: "cannot listen: \(errno)") }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }

    /// The next connection, nonblocking.
    func accept() throws -> CInt {
        try wait(descriptor, POLLIN)
        let accepted = Descriptors.accept(descriptor)
        guard accepted >= 0 else { throw SetUpError(text: "accept: \(errno)") }
        _ = fcntl(accepted, F_SETFL, O_NONBLOCK)
        return accepted
    }
}

/// A nonblocking connection to loopback, tried until someone listens.
func connectToLoopback(_ port: UInt16) throws -> CInt {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    var descriptor: CInt = -1
    let isConnected = Poll.until(every: .milliseconds(20)) {
        descriptor = socket(AF_INET, CInt(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        let isConnected = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                unsafe connect(descriptor, address, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
            }
        }
        if !isConnected { close(descriptor) }
        return isConnected
    }
    guard isConnected else { throw SetUpError(text: "no one listens on \(port)") }
    _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    return descriptor
}

func wait(_ descriptor: CInt, _ events: Int32) throws {
    var wanted = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    guard unsafe poll(&wanted, 1, 20_000) == 1 else { throw SetUpError(text: "nothing happened for 20 s") }
}

extension TLSSession {
    /// The handshake with a process, to its end.
    borrowing func handshakeBlocking(on descriptor: CInt) throws -> HandshakeResult {
        while true {
            let result = handshake()
            switch result {
            case .done, .failed: return result
            case .wantsRead: try TransportSecurityTests.wait(descriptor, POLLIN)
            case .wantsWrite: try TransportSecurityTests.wait(descriptor, POLLOUT)
            }
            socketBecameReadable()
            socketBecameWritable()
        }
    }

    /// Reads from a process until `enough`, or the end.
    borrowing func readBlocking(
        on descriptor: CInt, until enough: ([UInt8]) -> Bool
    ) throws -> (bytes: [UInt8], end: ReadResult) {
        var all: [UInt8] = []
        while true {
            let read = readAll()
            all += read.bytes
            guard read.end == .wouldBlock, !enough(all) else { return (all, read.end) }
            try TransportSecurityTests.wait(descriptor, POLLIN)
            socketBecameReadable()
        }
    }
}
