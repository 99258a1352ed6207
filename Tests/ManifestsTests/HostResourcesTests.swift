import CommonValues
import Diagnostics
import Testing

@testable import Manifests

// Node, Service, Workload and Gateway: what says where things are.

@Test func `a node has the address other nodes reach it at`() {
    guard let node = decode(manifest("Node", "address: 10.0.0.1:15001")).first as? Node else {
        return #expect(Bool(false))
    }
    #expect(node.address.value == .tcp(host: .ip(IPAddress("10.0.0.1")!), port: 15001))
    #expect(node.outboundListen == nil)
    let outbound =
        decode(manifest("Node", "{address: 'a:1', outbound: {listen: 'unix:/run/heddle/out.sock'}}")).first as? Node
    #expect(outbound?.outboundListen?.value == .unix(path: "/run/heddle/out.sock"))
    #expect(mistakes(manifest("Node", "address: a:1\noutbound: {}")) == ["manifest.missing-field 6:13"])
    #expect(
        mistakes(manifest("Node", "address: a:1\noutbound: {listen: '0.0.0.0:1'}")) == ["manifest.not-loopback 6:22"])
    #expect(mistakes(manifest("Node", "{}")) == ["manifest.missing-field 5:3"])
    #expect(mistakes(manifest("Node", "address: unix:/x.sock")) == ["manifest.invalid-value 5:12"])
    #expect(mistakes(manifest("Node", "address: 10.0.0.1")) == ["manifest.invalid-value 5:12"])
}

@Test func `a node guards the plain ports of its workloads if it says so`() {
    let guarding = { (text: String) in
        (decode(manifest("Node", "{address: 'a:1', guard: \(text)}")).first as? Node)?.guarding
    }
    #expect((decode(manifest("Node", "address: a:1")).first as? Node)?.guarding == nil)
    #expect(guarding("{}")?.users == [] && guarding("{}")?.onExit == .keep)
    let full = guarding("{users: [prometheus, 1001], onExit: Remove}")
    #expect(full?.names.map(\.value) == ["prometheus"] && full?.users.last == .number(1001))
    #expect(full?.onExit == .remove)
}

@Test(arguments: [
    ("guard: true", "manifest.wrong-type 6:10"), ("guard:", "manifest.wrong-type 6:3"),
    ("guard: {users: []}", "manifest.invalid-value 6:18"), ("guard: {users: ['1001']}", "manifest.invalid-value 6:19"),
    ("guard: {users: [-1]}", "manifest.out-of-range 6:19"), ("guard: {onExit: remove}", "manifest.invalid-value 6:19"),
    ("guard: {ports: [80]}", "manifest.unknown-field 6:11"),
])
func `a guard is wrong`(field: String, mistake: String) {
    #expect(mistakes(manifest("Node", "address: a:1\n\(field)")) == [mistake])
}

@Test func `every field of a service is read`() {
    let spec = """
        protocol: HTTP
        hostnames: [Orders.example.org]
        escapedSlashes: Keep
        endpoints: [{address: "10.1.1.1:80"}, {address: api.example.org:443}]
        """
    guard let service = decode(manifest("Service", spec)).first as? Service else { return #expect(Bool(false)) }
    #expect(service.hostnames.map(\.value) == ["orders.example.org"])
    #expect(service.protocol == .http)
    #expect(service.escapedSlashes == .keep)
    #expect(service.endpoints.map(\.value.description) == ["10.1.1.1:80", "api.example.org:443"])
}

@Test(arguments: ServiceProtocol.allCases)
func `a service speaks one of four protocols`(protocol: ServiceProtocol) {
    let text = manifest("Service", "protocol: \(`protocol`.rawValue)")
    guard let service = decode(text).first as? Service else { return #expect(Bool(false)) }
    #expect(service.protocol == `protocol`)
}

@Test func `a service speaks HTTP unless it says otherwise`() {
    guard let service = decode(manifest("Service", "{}")).first as? Service else { return #expect(Bool(false)) }
    #expect(service.protocol == .http)
}

@Test(arguments: [
    ("protocol: http", "manifest.invalid-value 5:13"), ("protocol: UDP", "manifest.invalid-value 5:13"),
    ("protocol: TCP\nhostnames: [a.b]", "manifest.conflicting-fields 6:3"),
    ("protocol: TCP\nescapedSlashes: Keep", "manifest.conflicting-fields 6:3"),
    ("hostnames: ['*.a.b']", "manifest.invalid-value 5:15"),
    ("hostnames: a.b", "manifest.wrong-type 5:14"), ("escapedSlashes: true", "manifest.wrong-type 5:19"),
    ("endpoints: ['a:1']", "manifest.wrong-type 5:15"), ("endpoints: [{}]", "manifest.missing-field 5:15"),
    ("port: 80", "manifest.unknown-field 5:3"),
])
func `a mistake in a service is an error at its place`(spec: String, mistake: String) {
    #expect(mistakes(manifest("Service", spec)) == [mistake])
}

@Test func `every field of a workload is read`() {
    let spec = """
        service: web
        node: a
        address: unix:/run/web.sock
        serviceAccount: web-account
        outbound:
          listen: "[::1]:15101"
          tcp:
          - {service: db, listen: "127.0.0.1:5432"}
          - {service: db.data, listen: "127.0.0.1:5433"}
          - {service: db.data.mesh, listen: unix:/run/db.sock}
        """
    guard let workload = decode(manifest("Workload", spec)).first as? Workload else { return #expect(Bool(false)) }
    #expect(workload.service?.value == "web")
    #expect(workload.node?.value == "a")
    #expect(workload.address?.value == .unix(path: "/run/web.sock"))
    #expect(workload.serviceAccount.value == "web-account")
    #expect(workload.outboundListen?.value == .tcp(host: .ip(IPAddress("::1")!), port: 15101))
    #expect(workload.outboundTCP.map(\.service.value.description) == ["shop/db", "data/db", "data/db"])
    #expect(
        workload.outboundTCP.map(\.listen.value.description)
            == ["127.0.0.1:5432", "127.0.0.1:5433", "unix:/run/db.sock"])
}

@Test func `a workload's service account is its service's name by default`() {
    guard let workload = decode(manifest("Workload", "{service: web, address: 'a:1'}")).first as? Workload else {
        return #expect(Bool(false))
    }
    #expect(workload.serviceAccount.value == "web")
}

@Test func `a workload that only calls others needs an account`() {
    #expect(mistakes(manifest("Workload", "serviceAccount: cron\noutbound: {listen: unix:/run/cron.sock}")) == [])
    #expect(mistakes(manifest("Workload", "outbound: {listen: unix:/run/cron.sock}")) == ["manifest.missing-field 5:3"])
}

@Test(arguments: [
    ("service: web\naddress: 127.0.0.1", "manifest.invalid-value 6:12"),
    ("service: shop/web", "manifest.invalid-value 5:12"),
    ("serviceAccount: a\naddress: 127.0.0.1:80", "manifest.conflicting-fields 6:3"),
    ("service: web\noutbound: {listen: 0.0.0.0:80}", "manifest.not-loopback 6:22"),
    ("service: web\noutbound: {listen: localhost:80}", "manifest.not-loopback 6:22"),
    ("service: web\noutbound: {}", "manifest.missing-field 6:13"),
    ("service: web\noutbound: {tcp: []}", "manifest.invalid-value 6:19"),
    ("service: web\noutbound: {tcp: [{service: db}]}", "manifest.missing-field 6:21"),
    ("service: web\noutbound: {tcp: [{listen: '127.0.0.1:1'}]}", "manifest.missing-field 6:21"),
    ("service: web\noutbound: {tcp: [{service: db, listen: '0.0.0.0:1'}]}", "manifest.not-loopback 6:42"),
    ("service: web\noutbound: {tcp: [{service: a.b.c, listen: '127.0.0.1:1'}]}", "manifest.invalid-value 6:30"),
    ("service: web\noutbound: {tcp: [{service: a/b, listen: '127.0.0.1:1'}]}", "manifest.invalid-value 6:30"),
    ("service: web\noutbound: {tcp: [{service: a, listen: '127.0.0.1:1', port: 1}]}", "manifest.unknown-field 6:56"),
])
func `a mistake in a workload is an error at its place`(spec: String, mistake: String) {
    #expect(mistakes(manifest("Workload", spec)) == [mistake])
}

@Test func `every field of a selector is read, and written down again`() throws {
    let digest = String(repeating: "0A", count: 32)
    let spec = """
        service: web
        selectors:
        - unix: {user: web, uid: 0, group: www-data, gid: 4294967294, path: /usr/bin/web, sha256: \(digest)}
          systemd: {unit: web@1.service}
          cgroup: {path: /system.slice/web}
        - unix: {uid: 8}
          exec: {}
        - unix: {uid: 7}
        exec: {users: [web, 1001]}
        """
    let workload = try #require(decode(manifest("Workload", spec)).first as? Workload)
    var all = WorkloadSelector()
    all.position = Located(0, at: .manifestsFolder)
    all.user = Located("web", at: .manifestsFolder)
    all.uid = 0
    all.group = Located("www-data", at: .manifestsFolder)
    all.gid = 4_294_967_294
    all.path = Located("/usr/bin/web", at: .manifestsFolder)
    all.sha256 = digest.lowercased()
    all.unit = "web@1.service"
    all.controlGroup = "/system.slice/web"
    #expect(workload.selectors.count == 3)
    #expect(workload.selectors[0] == all)
    #expect(workload.selectors[1].uid == 8 && workload.selectors[1].isStarted)
    #expect(workload.selectors[2].uid == 7)
    let again = try #require(decode(manifest("Workload", workload.specJSON.rendered())).first as? Workload)
    #expect(again.selectors == workload.selectors)
    #expect(workload.execUsers == [.name(Located("web", at: .manifestsFolder)), .number(1001)])
    #expect(again.execUsers == workload.execUsers)
    let unused = "service: web\nselectors: [{unix: {uid: 7}}]\nexec: {users: [web]}"
    #expect(mistakes(manifest("Workload", unused)) == ["manifest.conflicting-fields 7:3"])
    #expect(
        mistakes(manifest("Workload", "service: web\nselectors: [{exec: {}}]\nexec: {}")) == [
            "manifest.missing-field 7:9"
        ])
}

@Test(arguments: [
    ("[]", "manifest.invalid-value 6:14"), ("[{}]", "manifest.missing-field 6:15"),
    ("[{unix: {}}]", "manifest.missing-field 6:22"), ("[{user: a}]", "manifest.unknown-field 6:16"),
    ("[{unix: {usr: a}}]", "manifest.unknown-field 6:23"), ("[{unix: a}]", "manifest.wrong-type 6:22"),
    // Any user can run the same file, and be in the same group.
    ("[{unix: {path: /usr/bin/web}}]", "manifest.conflicting-fields 6:16"),
    ("[{unix: {gid: 7, path: /usr/bin/web}}]", "manifest.conflicting-fields 6:16"),
    ("[{unix: {sha256: '\(String(repeating: "00", count: 32))'}}]", "manifest.conflicting-fields 6:16"),
    ("[{unix: {user: 1001}}]", "manifest.wrong-type 6:29"), ("[{unix: {user: '1001'}}]", "manifest.invalid-value 6:29"),
    ("[{unix: {user: 'a:b'}}]", "manifest.invalid-value 6:29"),
    ("[{unix: {user: ''}}]", "manifest.invalid-value 6:29"), ("[{unix: {user: -a}}]", "manifest.invalid-value 6:29"),
    ("[{unix: {user: \"a\\tb\"}}]", "manifest.invalid-value 6:29"),
    ("[{unix: {user: \"a\\nb\"}}]", "manifest.invalid-value 6:29"),
    ("[{unix: {user: \"a\\x7Fb\"}}]", "manifest.invalid-value 6:29"),
    ("[{unix: {group: \(String(repeating: "a", count: 257))}}]", "manifest.invalid-value 6:30"),
    ("[{unix: {uid: '7'}}]", "manifest.wrong-type 6:28"), ("[{unix: {uid: 4294967295}}]", "manifest.out-of-range 6:28"),
    ("[{unix: {uid: -1}}]", "manifest.out-of-range 6:28"),
    ("[{unix: {uid: 1, path: usr/bin/web}}]", "manifest.invalid-value 6:37"),
    ("[{unix: {uid: 1, path: /usr//bin}}]", "manifest.invalid-value 6:37"),
    ("[{unix: {uid: 1, path: /usr/../bin}}]", "manifest.invalid-value 6:37"),
    ("[{unix: {uid: 1, path: /usr/bin/}}]", "manifest.invalid-value 6:37"),
    ("[{unix: {uid: 1, sha256: abc}}]", "manifest.invalid-value 6:39"),
    ("[{systemd: {}}]", "manifest.missing-field 6:25"), ("[{systemd: {unit: web}}]", "manifest.invalid-value 6:32"),
    ("[{systemd: {unit: web.slice}}]", "manifest.invalid-value 6:32"),
    ("[{systemd: {unit: .service}}]", "manifest.invalid-value 6:32"),
    ("[{systemd: {unit: web@.service}}]", "manifest.invalid-value 6:32"),
    ("[{systemd: {unit: ../web.service}}]", "manifest.invalid-value 6:32"),
    ("[{cgroup: {path: /}}]", "manifest.invalid-value 6:31"),
    ("[{cgroup: {path: web}}]", "manifest.invalid-value 6:31"),
    ("[{cgroup: {path: /sys/fs/cgroup/a}}]", "manifest.invalid-value 6:31"),
    ("[{unix: {uid: 1, path: /sys/fs/cgroup/a}}]", "manifest.invalid-value 6:37"),
    ("[{exec: {users: [a]}}]", "manifest.unknown-field 6:23"),
    ("[{exec: {}, systemd: {unit: a.service}}]", "manifest.conflicting-fields 6:16"),
    ("[{exec: true}]", "manifest.wrong-type 6:22"),
])
func `a mistake in a selector is an error at its place`(selectors: String, mistake: String) {
    #expect(mistakes(manifest("Workload", "service: web\nselectors: \(selectors)")) == [mistake])
}

@Test(arguments: [
    #"SHOP\web master"#, "web master", "web,a/b", "wéb", String(repeating: "a", count: 256), "web$", "user@example.org",
])
func `a user or group may be called whatever the host's name service has`(name: String) throws {
    let text = manifest(
        "Workload",
        "service: web\nselectors: [{unix: {user: '\(name)', group: '\(name)'}}, {exec: {}}]\nexec: {users: ['\(name)']}"
    )
    #expect(mistakes(text) == [])
    let workload = try #require(decode(text).first as? Workload)
    #expect(workload.selectors[0].user?.value == name && workload.selectors[0].group?.value == name)
    #expect(workload.startedBy.map(\.value) == [name])
}

@Test(arguments: [
    ("Workload", "service: web\nselectors: [{unix: {user: '4201'}}]", "write it as uid: 4201"),
    ("Workload", "service: web\nselectors: [{unix: {user: 4201}}]", "write it as uid: 4201"),
    ("Workload", "service: web\nselectors: [{unix: {uid: 1, group: '0100'}}]", "write it as gid: 100"),
    (
        "Workload", "service: web\nselectors: [{exec: {}}]\nexec: {users: ['4205']}",
        "remove the quotation marks: 4205"
    ),
    ("Node", "{address: 'a:1', guard: {users: ['4205']}}", "remove the quotation marks: 4205"),
    (
        "Workload", "service: web\nselectors: [{unix: {user: '99999999999'}}]",
        "write it as \"getent passwd\" lists it"
    ),
])
func `a number in place of a name is told where it belongs`(kind: String, spec: String, remedy: String) {
    let file = ManifestDecoder.decode(Array(manifest(kind, spec).utf8), path: "m")
    #expect(file.diagnostics.map(\.remedy) == [remedy])
}

@Test(arguments: [
    ("cgroup: {path: /sys/fs/cgroup/system.slice/web.service}", "change it to \"/system.slice/web.service\""),
    ("cgroup: {path: /sys/fs/cgroup/unified/web}", "change it to \"/web\""),
    ("cgroup: {path: /sys/fs/cgroup}", "name a group below the root"),
    ("unix: {user: web, path: /sys/fs/cgroup/web}", "write it as cgroup: {path: /web} beside unix"),
])
func `a control group by where it is mounted is told how it is called`(selector: String, remedy: String) {
    let file = ManifestDecoder.decode(
        Array(manifest("Workload", "service: web\nselectors: [{\(selector)}]").utf8), path: "m")
    #expect(file.diagnostics.map(\.remedy) == [remedy])
}

@Test func `every field of a gateway is read`() throws {
    let spec = """
        listeners:
        - {name: web, port: 80, protocol: HTTP}
        - {name: database, port: 5432, protocol: TCP}
        - {name: names, port: 853, protocol: TLS, hostname: a.b, tls: {mode: Passthrough}}
        - name: secure
          address: "::"
          ipv6Only: true
          port: 443
          protocol: HTTPS
          hostname: "*.Example.org"
          tls: {mode: Terminate, certificateFile: c.pem, keyFile: k.pem}
        node: edge
        serviceAccount: front
        trustedProxies: [10.0.0.0/8]
        """
    guard let gateway = decode(manifest("Gateway", spec)).first as? Gateway else { return #expect(Bool(false)) }
    #expect(gateway.listeners.map(\.name.value) == ["web", "database", "names", "secure"])
    #expect(gateway.listeners.map(\.address.value) == [.anyIPv4, .anyIPv4, .anyIPv4, .unspecified])
    #expect(gateway.listeners.map(\.isIPv6Only) == [false, false, false, true])
    #expect(gateway.listeners.map(\.port.value) == [80, 5432, 853, 443])
    #expect(gateway.listeners.map(\.protocol) == [.http, .tcp, .tls, .https])
    #expect(gateway.listeners[2].hostname?.value == .exact("a.b"))
    #expect(gateway.listeners[3].hostname?.value == .wildcard(suffix: ".example.org"))
    #expect(gateway.listeners[3].tls?.keyFile.value == "k.pem")
    #expect(gateway.listeners[0].tls == nil)
    #expect(gateway.node?.value == "edge")
    #expect(gateway.serviceAccount.value == "front")
    #expect(gateway.trustedProxies.count == 1)
}

@Test func `a gateway's service account is its name by default`() {
    let spec = "listeners: [{name: a, port: 80, protocol: HTTP}]"
    guard let gateway = decode(manifest("Gateway", spec)).first as? Gateway else { return #expect(Bool(false)) }
    #expect(gateway.serviceAccount.value == "x")
    #expect(gateway.trustedProxies.isEmpty)
}

@Test func `a listener of a protocol that there is not yet is to be removed, not to be made one that lets in others`() {
    let file = ManifestDecoder.decode(
        Array(manifest("Gateway", "listeners: [{name: a, port: 1, protocol: UDP}]").utf8), path: "a.yaml")
    #expect(file.diagnostics.map(\.remedy) == ["remove this listener"])
}

@Test(arguments: [
    ("{}", "manifest.missing-field 5:3"), ("listeners: []", "manifest.invalid-value 5:14"),
    ("listeners: [{name: a, port: 0, protocol: HTTP}]", "manifest.out-of-range 5:31"),
    ("listeners: [{name: a, port: 1, protocol: UDP}]", "manifest.not-available 5:44"),
    ("listeners: [{name: a, port: 1, protocol: TCP, tls: {mode: Passthrough}}]", "manifest.conflicting-fields 5:49"),
    ("listeners: [{name: a, port: 1, protocol: TCP, hostname: a.b}]", "manifest.conflicting-fields 5:49"),
    ("listeners: [{name: a, port: 1, protocol: TLS}]", "manifest.missing-field 5:16"),
    ("listeners: [{name: a, port: 1, protocol: TLS, tls: {}}]", "manifest.missing-field 5:54"),
    ("listeners: [{name: a, port: 1, protocol: TLS, tls: {mode: passthrough}}]", "manifest.invalid-value 5:61"),
    ("listeners: [{name: a, port: 1, protocol: TLS, tls: {mode: Terminate}}]", "manifest.not-available 5:61"),
    (
        "listeners: [{name: a, port: 1, protocol: TLS, tls: {mode: Passthrough, keyFile: b}}]",
        "manifest.conflicting-fields 5:74"
    ),
    (
        "listeners: [{name: a, port: 1, protocol: HTTPS, tls: {mode: Passthrough, keyFile: b}}]",
        "manifest.conflicting-fields 5:63"
    ),
    ("listeners: [{name: a, port: 1, protocol: HTTPS}]", "manifest.missing-field 5:16"),
    (
        "listeners: [{name: a, port: 1, protocol: HTTP, tls: {certificateFile: a, keyFile: b}}]",
        "manifest.conflicting-fields 5:50"
    ),
    ("listeners: [{name: a, port: 1, protocol: HTTP, hostname: '*'}]", "manifest.invalid-value 5:60"),
    ("listeners: [{name: a, port: 1, protocol: HTTP, address: localhost}]", "manifest.invalid-value 5:59"),
    ("listeners: [{name: a, port: 1, protocol: HTTP, ipv6Only: true}]", "manifest.conflicting-fields 5:50"),
    (
        "listeners: [{name: a, port: 1, protocol: HTTP, address: '::1', ipv6Only: true}]",
        "manifest.conflicting-fields 5:66"
    ),
    ("listeners: [{name: a, port: 1, protocol: HTTP, address: '::', ipv6Only: 'true'}]", "manifest.wrong-type 5:75"),
    (
        "listeners: [{name: a, port: 1, protocol: HTTP}, {name: a, port: 2, protocol: HTTP}]",
        "manifest.duplicate-item 5:58"
    ),
])
func `a mistake in a gateway is an error at its place`(spec: String, mistake: String) {
    #expect(mistakes(manifest("Gateway", spec)) == [mistake])
}
