import Glibc
import Synchronization
import SystemInterfaces
import Testing

/// A network of its own, with a packet filter, and a program that calls nft there.
final class Network: Sendable {
    /// That program. It does what `mode` says, a line for the shell, instead of nft.
    let filter: String
    /// Of the network.
    let name: String
    private let folder: String

    static var canBeMade: Bool {
        geteuid() == 0
            && ["/usr/sbin/ip", "/usr/sbin/nft"].allSatisfy { (path: String) in unsafe access(path, X_OK) == 0 }
    }

    private static let count = Atomic<Int>(0)

    init() {
        var template = Array("/tmp/heddle-guard-XXXXXX".utf8CString)
        folder = unsafe template.withUnsafeMutableBufferPointer { unsafe String(cString: mkdtemp($0.baseAddress!)) }
        name = "heddle-guard-\(getpid())-\(Self.count.add(1, ordering: .relaxed).newValue)"
        filter = "\(folder)/nft"
        write(
            "nft",
            """
            #!/bin/sh
            cd "\(folder)" || exit 1
            echo "$*" >> calls
            [ -e mode ] && { eval "$(cat mode)"; exit; }
            exec /usr/sbin/ip netns exec \(name) /usr/sbin/nft "$@"

            """)
        unsafe chmod(filter, 0o755)
        call("/usr/sbin/ip", ["netns", "add", name])
    }

    deinit {
        call("/usr/sbin/ip", ["netns", "delete", name])
        for file in ["nft", "mode", "calls"] { unsafe unlink("\(folder)/\(file)") }
        unsafe rmdir(folder)
    }

    var mode: String? {
        get { nil }
        set {
            if let newValue { write("mode", newValue) } else { unsafe unlink("\(folder)/mode") }
        }
    }

    var callCount: Int {
        guard let file = try? OpenFile("\(folder)/calls"), let bytes = try? file.bytes(limit: 1 << 20) else { return 0 }
        return bytes.count { $0 == UInt8(ascii: "\n") }
    }

    /// What nft itself shows of a table; `nil`: there is none.
    func list(_ table: String) -> String? {
        let outcome = try? ChildProgram(
            "/usr/sbin/ip", ["netns", "exec", name, "/usr/sbin/nft", "-n", "list", "table", "inet", table]
        ).run(input: [])
        guard let outcome, outcome.end == .exited(0) else { return nil }
        return String(decoding: outcome.output, as: UTF8.self)
    }

    /// Has nft itself do something.
    func run(_ script: String) {
        call("/usr/sbin/ip", ["netns", "exec", name, "/usr/sbin/nft", "-f", "-"], input: script + "\n")
    }

    private func call(_ program: String, _ arguments: [String], input: String = "") {
        let outcome = try? ChildProgram(program, arguments).run(input: Array(input.utf8), for: .seconds(60))
        #expect(outcome?.end == .exited(0), "\(arguments): \(String(decoding: outcome?.errors ?? [], as: UTF8.self))")
    }

    private func write(_ name: String, _ text: String) {
        let file = unsafe fopen("\(folder)/\(name)", "w")
        unsafe fputs(text, file)
        unsafe fclose(file)
    }
}
