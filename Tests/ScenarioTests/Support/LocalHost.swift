import TestSupport

/// A host with one workload that has selectors, called by curl in each protocol at each kind of listener.
final class LocalHost {
    /// How it is called.
    struct Way: CustomStringConvertible {
        enum Speech: String, CaseIterable {
            case http1 = "HTTP/1.1"
            case http2 = "HTTP/2"
            case grpc = "gRPC"
            case tcp = "TCP"
        }

        enum Place: String, CaseIterable { case port, socket }

        let speech: Speech
        let place: Place
        /// The listener of all workloads of the host.
        let isHost: Bool

        /// TCP services have listeners of workloads alone.
        static let all = Speech.allCases.flatMap { speech in
            Place.allCases.flatMap { place in
                [false, true].filter { speech != .tcp || !$0 }.map { Way(speech: speech, place: place, isHost: $0) }
            }
        }

        var description: String { "\(speech.rawValue) at the \(isHost ? "host" : "workload")'s \(place.rawValue)" }

        /// What becomes of a call, as curl tells it: `200`, or what comes of a process that is no workload.
        func outcome(isWorkload: Bool) -> String {
            guard !isWorkload else { return "200" }
            return switch speech {
            case .http1, .http2: "403 not-attested"
            // gRPC's own 16, with HTTP's 200.
            case .grpc: "200 not-attested 16"
            // Nothing at all.
            case .tcp: "000"
            }
        }
    }

    let folder: TestFolder
    let socket = "/tmp/heddle-host-\(UInt32.random(in: .min ... .max))"
    private let backend = TestBackend.forgetfulEcho()
    private let ports = (own: TestPort.free(), tcp: TestPort.free(), host: TestPort.free())

    init() throws { folder = try TestFolder() }

    deinit {
        for name in ["own", "tcp", "host", "exec"] { Files.remove("\(socket)-\(name)") }
    }

    /// - Parameter place: Of the host's listener: it has one.
    func write(_ selectors: String, _ place: Way.Place) throws {
        func at(_ name: String, _ port: UInt16) -> String {
            place == .port ? "\"127.0.0.1:\(port)\"" : "\"unix:\(socket)-\(name)\""
        }
        let tcp = "tcp: [{service: ledger, listen: \(at("tcp", ports.tcp))}]"
        try folder.write(
            [
                manifest(
                    "Mesh", "mesh", "{proxy: {accessLog: None, workers: 1}, workloadSocket: {path: \(socket)-exec}}"),
                manifest(
                    "Node", "here",
                    "{address: \"127.0.0.1:\(TestPort.free())\", outbound: {listen: \(at("host", ports.host))}}"),
                Shop.service("orders"), manifest("Service", "ledger", "{protocol: TCP}"),
                Shop.workload("orders-1", "service: orders, node: here, address: \"127.0.0.1:\(backend.port)\""),
                Shop.workload("ledger-1", "service: ledger, node: here, address: \"127.0.0.1:\(backend.port)\""),
                Shop.workload(
                    "caller",
                    "serviceAccount: caller, node: here, selectors: \(selectors), outbound: {listen: \(at("own", ports.own)), \(tcp)}"
                ),
                Shop.allowAll,
            ].joined(separator: "\n---\n") + "\n")
    }

    /// The words of a curl that calls there.
    func call(_ way: Way) -> [String] {
        let (name, port) =
            way.speech == .tcp ? ("tcp", ports.tcp) : way.isHost ? ("host", ports.host) : ("own", ports.own)
        var words = ["curl", "-s", "--noproxy", "*", "-o", "/dev/null", "-H", "Host: orders.shop"]
        words += ["-w", "%{http_code} %header{x-heddle-reason} %header{grpc-status}"]
        if way.speech == .http2 || way.speech == .grpc { words.append("--http2-prior-knowledge") }
        if way.speech == .grpc {
            words += ["-X", "POST", "-H", "content-type: application/grpc", "-H", "te: trailers"]
        }
        if way.place == .socket { return words + ["--unix-socket", "\(socket)-\(name)", "http://orders.shop/s/m"] }
        return words + ["http://127.0.0.1:\(port)/s/m"]
    }

    /// - Parameters:
    ///   - within: What starts it all, as root.
    ///   - through: What starts curl, as the user.
    /// - Returns: What becomes of the call.
    func outcome(
        _ way: Way, as user: UInt32 = 4001, group: UInt32 = 65_534, within: [String] = [], through: [String] = []
    ) throws -> String {
        let account = ["setpriv", "--reuid", "\(user)", "--regid", "\(group)", "--clear-groups"]
        let words = within + (user == 0 ? [] : account) + through + call(way)
        let output = try Tool.run(words[0], Array(words.dropFirst()), in: folder).output
        return output.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    /// curl's own file, where links lead to.
    func program() throws -> String {
        let found = try Tool.run("sh", ["-c", "readlink -f \"$(command -v curl)\""], in: folder).output
        return String(found.prefix { $0 != "\n" })
    }
}
