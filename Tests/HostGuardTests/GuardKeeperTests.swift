import Glibc
import Testing

@testable import HostGuard

/// With a program in nft's place that keeps what it is told in a folder, and fails as it is told to.
@Suite struct GuardKeeperTests {
    private final class FakeFilter: Sendable {
        let folder: String

        init() {
            var template = Array("/tmp/heddle-guard-XXXXXX".utf8CString)
            folder = unsafe template.withUnsafeMutableBufferPointer { unsafe String(cString: mkdtemp($0.baseAddress!)) }
            write("nft", Self.program)
            unsafe chmod("\(folder)/nft", 0o755)
        }

        deinit {
            for name in ["nft", "calls", "fail", "said", "table", "rehearsed", "refused"] { remove(name) }
            unsafe rmdir(folder)
        }

        /// The last transaction is the table; `fail` holds what to say instead of doing anything.
        private static let program = """
            #!/bin/sh
            cd "$(dirname "$0")" || exit 1
            echo "$*" >> calls
            [ -e fail ] && { cat fail >&2; exit 1; }
            case "$*" in
            "-f -") cat > said; echo >> said
                if [ "$(grep -c . said)" = 2 ]; then rm -f table; else cp said table; fi ;;
            "-c -f -") cat > rehearsed ;;
            "list tables inet") [ -e table ] && echo "table inet heddle-guard-1-2"; echo "table inet other" ;;
            "-n list table inet heddle-guard-1-2")
                [ -e table ] || { echo "Error: No such file or directory" >&2; exit 1; }
                cat table; [ -e refused ] && cat refused ;;
            esac
            exit 0
            """

        func write(_ name: String, _ text: String) {
            let file = unsafe fopen("\(folder)/\(name)", "w")
            unsafe fputs(text, file)
            unsafe fclose(file)
        }

        func read(_ name: String) -> String? {
            guard let file = unsafe fopen("\(folder)/\(name)", "r") else { return nil }
            defer { unsafe fclose(file) }
            var text: [UInt8] = []
            while case let byte = unsafe fgetc(file), byte >= 0 { text.append(UInt8(byte)) }
            return String(decoding: text, as: UTF8.self)
        }

        func remove(_ name: String) { unsafe unlink("\(folder)/\(name)") }
        var callCount: Int { read("calls")?.split(separator: "\n").count ?? 0 }
    }

    private let nft = FakeFilter()
    private let table = GuardTable(
        name: "heddle-guard-1-2", node: "a", ports: [80], endpoints: [], listeners: [], users: [998])

    private func keeper() -> GuardKeeper {
        let path = "\(nft.folder)/nft"
        return GuardKeeper(instance: "1-2") { PacketFilter(path: path) }
    }

    @Test func `what is held is not made again`() async {
        let keeper = keeper()
        #expect(await keeper.prepare(table) == nil)
        await keeper.commit(table)
        #expect(keeper.standing == .init(table: table))
        let calls = nft.callCount
        #expect(await keeper.prepare(table) == nil)
        await keeper.commit(table)
        await keeper.abandon()
        #expect(nft.callCount == calls)
    }

    @Test func `what was prepared and given up is as it was before`() async {
        let keeper = keeper()
        await keeper.commit(table)
        let before = nft.read("table")
        var other = table
        other.ports = [81]
        #expect(await keeper.prepare(other) == nil)
        #expect(nft.read("table") != before)
        await keeper.abandon()
        #expect(nft.read("table") == before && keeper.standing.table == table)
    }

    @Test func `the first that is given up leaves none`() async {
        let keeper = keeper()
        #expect(await keeper.prepare(table) == nil)
        await keeper.abandon()
        #expect(nft.read("table") == nil && keeper.standing == .init())
    }

    @Test func `what an earlier process left goes when none is wanted`() async {
        await keeper().commit(table)
        let next = keeper()
        await next.commit(nil)
        #expect(nft.read("table") == nil)
        let calls = nft.callCount
        await next.commit(nil)
        #expect(nft.callCount == calls)
    }

    @Test func `a rehearsal leaves no trace`() async {
        #expect(await keeper().rehearse(table) == nil)
        #expect(nft.read("table") == nil && nft.read("rehearsed") != nil)
    }

    @Test func `a table that was changed or removed is made again`() async {
        let keeper = keeper()
        await keeper.commit(table)
        #expect(await keeper.look() == .asItWas)
        nft.write("table", "another\n")
        #expect(await keeper.look() == .restored)
        #expect(await keeper.look() == .asItWas)
        nft.remove("table")
        #expect(await keeper.look() == .restored)
        #expect(nft.read("table") != nil)
    }

    @Test func `what is counted is taken up, and is no change`() async {
        let keeper = keeper()
        await keeper.commit(table)
        nft.write("refused", "counter local {\n packets 7 bytes 420\n}\n")
        // The line that is not a count is one more.
        #expect(await keeper.look() == .restored)
        nft.write("refused", "counter local {\n packets 9 bytes 540\n}\n")
        #expect(await keeper.look() == .asItWas)
        #expect(keeper.standing.refused == GuardCounts(local: 9, remote: 0))
    }

    @Test(arguments: [
        ("Operation not permitted (you must be root)", PacketFilter.Failure.notPermitted),
        ("Error: no memory", .refused(reason: "Error: no memory")),
    ])
    func `why it cannot be held is told until it can`(said: String, failure: PacketFilter.Failure) async {
        let keeper = keeper()
        nft.write("fail", said + "\n")
        #expect(await keeper.prepare(table) == failure)
        await keeper.commit(table)
        #expect(keeper.standing == .init(table: table, failure: failure))
        #expect(await keeper.look() == .failed)
        nft.remove("fail")
        #expect(await keeper.look() == .mended)
        #expect(keeper.standing == .init(table: table))
    }

    @Test func `one that cannot be removed is told of until it can`() async {
        let keeper = keeper()
        await keeper.commit(table)
        nft.write("fail", "Error: no\n")
        await keeper.commit(nil)
        #expect(keeper.standing == .init(failure: .refused(reason: "Error: no")))
        #expect(await keeper.look() == .failed)
        nft.remove("fail")
        #expect(await keeper.look() == .mended)
        #expect(nft.read("table") == nil && keeper.standing == .init())
    }

    @Test func `who never wanted one hears nothing of a filter that cannot be asked`() async {
        let keeper = keeper()
        nft.write("fail", "Operation not permitted\n")
        await keeper.commit(nil)
        #expect(keeper.standing == .init())
    }

    @Test func `without the program it is missing`() async {
        let keeper = GuardKeeper(instance: "1-2") { PacketFilter(path: "/nowhere/nft") }
        #expect(await keeper.prepare(table) == .missing)
        await keeper.commit(table)
        #expect(keeper.standing.failure == .missing)
    }
}
