import Attestation
import Diagnostics
import Manifests
import Testing

/// What selectors say of processes.
struct SelectorProgramTests {
    /// Of a host where `web` is user and group 1001, and `other` 1002.
    private static let accounts = HostAccounts(
        users: ["web": 1001, "other": 1002], groups: ["web": 1001, "other": 1002])

    /// - Parameter selectors: In flow style.
    static func program(_ selectors: String, _ accounts: HostAccounts = accounts) throws -> SelectorProgram {
        let text = """
            apiVersion: heddle/v1
            kind: Workload
            metadata: {name: web, namespace: shop}
            spec: {serviceAccount: web, selectors: \(selectors)}
            """
        let file = ManifestDecoder.decode(Array(text.utf8), path: "m.yaml")
        #expect(file.diagnostics.map(\.code.rawValue) == [])
        let workload = try #require(file.resources.first as? Workload)
        return SelectorProgram(workload.selectors, of: workload.metadata.name, accounts)
    }

    private static let digest = String(repeating: "ab", count: 32)

    /// All that can be known.
    private static let web = LocalProcess(
        uid: 1001, gid: .known(1001), controlGroup: .known("/system.slice/web.service"),
        executable: .known("/usr/bin/web"), digest: .known(digest), pid: 7)

    @Test(arguments: [
        "[{unix: {user: web}}]", "[{unix: {uid: 1001}}]", "[{unix: {user: web, uid: 1001}}]", "[{unix: {group: web}}]",
        "[{unix: {gid: 1001}}]", "[{unix: {user: web, path: /usr/bin/web}}]",
        "[{unix: {user: web, path: /usr/bin/web, sha256: \(digest)}}]", "[{systemd: {unit: web.service}}]",
        "[{cgroup: {path: /system.slice/web.service}}]",
        "[{unix: {path: /usr/bin/web}, systemd: {unit: web.service}}]",
        "[{unix: {user: other}}, {unix: {user: web}}]",
    ])
    func `a process that is all that one selector says matches`(selectors: String) throws {
        #expect(try Self.program(selectors).verdict(on: Self.web) == .matches)
    }

    @Test(arguments: [
        "[{unix: {user: other}}]", "[{unix: {uid: 0}}]", "[{unix: {group: other}}]", "[{unix: {gid: 0}}]",
        "[{unix: {user: web, group: other}}]", "[{unix: {user: web, path: /usr/bin/we}}]",
        "[{unix: {user: web, path: /usr/bin/web2}}]",
        "[{unix: {user: web, sha256: \(String(repeating: "ac", count: 32))}}]", "[{systemd: {unit: we.service}}]",
        "[{systemd: {unit: web2.service}}]", "[{cgroup: {path: /system.slice}}]",
        "[{unix: {user: other}, systemd: {unit: web.service}}]",
        // Two that say different things of one user are never both so.
        "[{unix: {user: web, uid: 1002}}]",
        // Nobody has that name here.
        "[{unix: {user: nobody-here}}]", "[{unix: {user: nobody-here, uid: 1001}}]",
    ])
    func `a process that is not all of it differs`(selectors: String) throws {
        #expect(try Self.program(selectors).verdict(on: Self.web) == .differs)
    }

    @Test func `what is asked for is what it takes, and no more`() throws {
        let seen = LocalProcess(uid: 1001)
        func verdict(_ selectors: String) throws -> SelectorProgram.Verdict {
            try Self.program(selectors).verdict(on: seen)
        }
        #expect(try verdict("[{unix: {user: web}}]") == .matches)
        #expect(try verdict("[{unix: {user: web, path: /usr/bin/web}}]") == .needs(.process))
        #expect(try verdict("[{unix: {user: web, sha256: \(Self.digest)}}]") == .needs(.digest))
        #expect(try verdict("[{unix: {user: web, sha256: \(Self.digest), group: web}}]") == .needs(.process))
        #expect(
            try verdict("[{unix: {user: web, path: /usr/bin/web}, systemd: {unit: web.service}}]")
                == .needs(.controlGroup))
        // Another user's process costs nothing.
        #expect(try verdict("[{unix: {user: other, path: /usr/bin/web}}]") == .differs)
        // One that matches is enough.
        #expect(try verdict("[{unix: {user: web, path: /usr/bin/web}}, {unix: {user: web}}]") == .matches)
    }

    @Test func `what cannot be known matches nothing`() throws {
        let hidden = LocalProcess(
            uid: 1001, gid: .unknown("x"), controlGroup: .unknown("x"), executable: .unknown("x"), digest: .unknown("x")
        )
        for selectors in [
            "[{unix: {user: web, path: /usr/bin/web}}]", "[{unix: {user: web, sha256: \(Self.digest)}}]",
            "[{unix: {user: web, gid: 1001}}]", "[{systemd: {unit: web.service}}]",
        ] {
            #expect(try Self.program(selectors).verdict(on: hidden) == .differs)
        }
    }

    @Test func `paths are compared as bytes, not as text that looks the same`() throws {
        let composed = "/opt/caf\u{E9}/web"
        let decomposed = "/opt/cafe\u{301}/web"
        #expect(composed == decomposed)
        var process = Self.web
        process.executable = .known(decomposed)
        process.controlGroup = .known("/caf\u{E9}")
        #expect(try Self.program("[{unix: {user: web, path: '\(composed)'}}]").verdict(on: process) == .differs)
        #expect(try Self.program("[{unix: {user: web, path: '\(decomposed)'}}]").verdict(on: process) == .matches)
        #expect(try Self.program("[{cgroup: {path: '/cafe\u{301}'}}]").verdict(on: process) == .differs)
    }

    // MARK: Control groups

    @Test(arguments: [
        // What users may move their processes to, and name as they like, needs the user.
        ("/system.slice/web.service/part", false, true),
        ("/user.slice/user-1001.slice/user@1001.service/app.slice/web.service", false, true),
        ("/user.slice/user-1001.slice/user@1001.service/web.service/part", false, true),
        // Another user's manager.
        ("/user.slice/user-1002.slice/user@1002.service/app.slice/web.service", false, false),
        ("/user.slice/user-1001.slice/user@1001.service/app.slice/web.service2", false, false),
        ("/user.slice/user-1001.slice/session-1.scope/web.service", false, false),
        // Something else that has the name in it.
        ("/system.slice/web.service2", false, false), ("/web.service", false, false),
        ("/system.slice/other.service/web.service", false, false), ("/", false, false),
        ("/system.slice/web.service", true, true),
    ])
    func `a unit is the system's own, and with a user that user's too`(group: String, alone: Bool, withUser: Bool)
        throws
    {
        var process = Self.web
        process.controlGroup = .known(group)
        let unit = try Self.program("[{systemd: {unit: web.service}}]").verdict(on: process)
        let userUnit = try Self.program("[{systemd: {unit: web.service}, unix: {user: web}}]").verdict(on: process)
        #expect((unit == .matches, userUnit == .matches) == (alone, withUser))
    }

    @Test func `an instance of a template has a slice of its own`() throws {
        var process = Self.web
        process.controlGroup = .known("/system.slice/system-web\\x2dfront.slice/web-front@one.service")
        #expect(try Self.program("[{systemd: {unit: web-front@one.service}}]").verdict(on: process) == .matches)
        #expect(try Self.program("[{systemd: {unit: web-front@two.service}}]").verdict(on: process) == .differs)
        process.controlGroup = .known("/system.slice/web-front@one.service")
        #expect(try Self.program("[{systemd: {unit: web-front@one.service}}]").verdict(on: process) == .matches)
    }

    @Test func `what lies below a control group counts with a user alone`() throws {
        var process = Self.web
        process.controlGroup = .known("/machines/web/part")
        #expect(try Self.program("[{cgroup: {path: /machines/web}}]").verdict(on: process) == .differs)
        #expect(
            try Self.program("[{cgroup: {path: /machines/web}, unix: {uid: 1001}}]").verdict(on: process) == .matches)
        #expect(
            try Self.program("[{cgroup: {path: /machines/we}, unix: {uid: 1001}}]").verdict(on: process) == .differs)
    }

    @Test func `what was started as a workload is that one, and no other`() throws {
        let program = try Self.program("[{exec: {}}]")
        func verdict(_ startedAs: LocalProcess.Fact<ResourceName?>) -> SelectorProgram.Verdict {
            program.verdict(on: LocalProcess(uid: 1001, startedAs: startedAs))
        }
        #expect(verdict(.notAsked) == .needs(.controlGroup))
        #expect(verdict(.known(ResourceName(namespace: "shop", name: "web"))) == .matches)
        #expect(verdict(.known(ResourceName(namespace: "other", name: "web"))) == .differs)
        #expect(verdict(.known(nil)) == .differs)
        #expect(verdict(.unknown("x")) == .differs)
        let alsoUser = try Self.program("[{exec: {}, unix: {user: other}}]")
        let started = LocalProcess(uid: 1001, startedAs: .known(ResourceName(namespace: "shop", name: "web")))
        #expect(alsoUser.verdict(on: started) == .differs)
    }

    @Test(arguments: [
        ("[{unix: {user: other}}]", "selectors[0] says user other (uid 1002)"),
        ("[{unix: {uid: 7}}]", "selectors[0] says uid 7"),
        ("[{unix: {user: nobody-here}}]", "selectors[0] says user nobody-here (whom this host does not have)"),
        ("[{unix: {user: web, uid: 7}}]", "selectors[0] says user web (uid 1001) and uid 7"),
        ("[{unix: {group: other}}]", "selectors[0] says group other (gid 1002)"),
        ("[{systemd: {unit: other.service}}]", "selectors[0] says systemd unit other.service"),
        ("[{cgroup: {path: /system.slice}}]", "selectors[0] says cgroup /system.slice itself"),
        ("[{cgroup: {path: /other}, unix: {user: web}}]", "selectors[0] says cgroup /other"),
        ("[{exec: {}}]", "selectors[0] says a start by heddle exec"),
        ("[{unix: {user: web, path: /usr/bin/we}}]", "selectors[0] says path /usr/bin/we"),
        (
            "[{unix: {user: web, sha256: \(String(repeating: "ac", count: 32))}}]",
            "selectors[0] says sha256 \(String(repeating: "ac", count: 32))"
        ),
        // Of several the one that it comes nearest to, and of those the first.
        (
            "[{unix: {user: other}}, {unix: {user: web, path: /a}}, {unix: {user: web, path: /b}}, {unix: {uid: 0}}]",
            "selectors[1] says path /a"
        ),
        // That one is its user and unit, of the other nothing is so.
        (
            "[{exec: {}}, {unix: {gid: 5}}, {unix: {user: web}, systemd: {unit: other.service}}]",
            "selectors[2] says systemd unit other.service"
        ),
    ])
    func `in what a process differs is told in words`(selectors: String, text: String) throws {
        var web = Self.web
        web.startedAs = .known(nil)
        #expect(try Self.program(selectors).difference(of: web)?.text == text)
        #expect(try Self.program("[{unix: {user: web}}]").difference(of: web) == nil)
    }

    @Test func `who was started by a program that is the workload alone is told so, and is nobody`() throws {
        var child = Self.web
        child.startedAs = .known(nil)
        child.startedBy = LoneProgram(workload: ResourceName(namespace: "shop", name: "web"), pid: 812)
        let program = try Self.program("[{exec: {}}]")
        #expect(program.verdict(on: child) == .differs)
        #expect(
            program.difference(of: child)?.text
                == "selectors[0] says a start by heddle exec: that was pid 812, this process alone (no control groups here), "
                + "and not what it starts")
        child.startedBy = LoneProgram(workload: ResourceName(namespace: "shop", name: "other"), pid: 812)
        #expect(program.difference(of: child)?.text == "selectors[0] says a start by heddle exec")
        child.startedAs = .unknown("it has ended")
        #expect(
            program.difference(of: child)?.text
                == "selectors[0] says a start by heddle exec, and who this is could not be seen: it has ended")
    }

    @Test func `what others may have named is told in part, its end too`() throws {
        let path = "/opt/" + String(repeating: "a", count: 4_000) + "/web"
        let text = "\(LocalProcess(uid: 7, controlGroup: .known(path), executable: .unknown(path)))"
        #expect(text.utf8.count < 600)
        #expect(
            text.contains("cgroup \"/opt/aaa") && text.contains("aaa/web\",") && text.hasSuffix("aaa/web)"), "\(text)")
        let wanted = try Self.program("[{unix: {user: web, path: '\(path)'}}]").difference(of: Self.web)?.text
        #expect(wanted?.utf8.count ?? 0 < 300)
    }

    @Test(arguments: [
        (
            #"/tmp/x", started as shop/report, pid 1, executable "/usr/bin/web"#,
            #""/tmp/x\", started as shop/report, pid 1, executable \"/usr/bin/web""#
        ),
        ("/tmp/x, pid 1", #""/tmp/x, pid 1""#),
        (#"/tmp/x\"#, #""/tmp/x\\""#),
        ("/tmp/\u{1B}x\n", #""/tmp/\u{1B}x\n""#),
    ])
    func `no path reads as a fact of its own`(path: String, told: String) {
        #expect(
            "\(LocalProcess(uid: 7, controlGroup: .known(path), executable: .known(path), pid: 9))"
                == "uid 7, cgroup \(told), pid 9, executable \(told)")
    }

    @Test(arguments: ["\"", "\\", "\u{1B}", "a\"", "\u{E9}\\"]) func `what is cut is cut between its escapes`(
        part: String
    ) {
        for limit in 20..<40 {
            let told = String(repeating: part, count: 50).quoted(within: limit)
            #expect(told.utf8.count <= limit + 2)
            let whole = String(repeating: part, count: 50).quoted(within: .max / 8).dropFirst().dropLast()
            let halves = told.dropFirst().dropLast().split(separator: "\u{2026}")
            #expect(halves.count == 2 && whole.hasPrefix(halves[0]) && whole.hasSuffix(halves[1]), "\(told)")
            // Each is made of whole escapes: told again by what reads them.
            for half in halves { #expect(Self.isWhole(half), "\(told)") }
        }
    }

    /// Whether no escape of it is begun or ended elsewhere.
    private static func isWhole(_ text: Substring) -> Bool {
        text.wholeMatch(of: /([^"\\{}]|\\["\\]|\\u\{[0-9A-F]+\})*/) != nil
    }

    @Test func `what was found is told in one line`() {
        #expect(
            "\(Self.web)"
                == #"uid 1001, gid 1001, cgroup "/system.slice/web.service", pid 7, executable "/usr/bin/web", sha256 \#(Self.digest)"#
        )
        #expect("\(LocalProcess(uid: 7))" == "uid 7")
        #expect(
            "\(LocalProcess(uid: 7, executable: .unknown("it has ended")))"
                == "uid 7, executable unknown (it has ended)")
    }
}
