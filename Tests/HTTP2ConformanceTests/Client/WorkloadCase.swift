import TestSupport
import Testing

/// What a client must do about a server that breaks a rule: here Heddle, and a workload that answers its first request.
struct WorkloadCase: Sendable, CustomTestStringConvertible {
    enum Caller: Sendable {
        /// 200 and this content, all of it.
        case gets(String)
        case status(Int)
        /// 502, or an answer that breaks off.
        case fails
        /// An answer that breaks off, perhaps before its first byte.
        case isCutOff
        /// A whole answer or a failure.
        case getsSomething
    }

    let section: String
    let requirement: String
    var settings: [Setting] = []
    var method = "GET"
    /// On stream 1, once its head is there.
    let frames: [Frame]
    let caller: Caller
    let outcome: Outcome

    init(
        _ section: String, _ requirement: String, settings: [Setting] = [], method: String = "GET",
        send frames: [Frame], _ caller: Caller, _ outcome: Outcome
    ) {
        self.section = section
        self.requirement = requirement
        self.settings = settings
        self.method = method
        self.frames = frames
        self.caller = caller
        self.outcome = outcome
    }

    var testDescription: String { "§ \(section) \(requirement)" }

    func run() async throws {
        let outcome = outcome
        let frames = frames
        let method = method
        let problem = try await ScriptedWorkload.serve(settings: settings) { probe, index in
            guard probe.read(until: { !$0.stream(1).heads.isEmpty }) else { return "no request; \(probe.story)" }
            probe.send(frames)
            guard index == 0 else {
                probe.readToEnd()
                return nil
            }
            return outcome.problem(probe)
        } call: { port, _ in
            let view = try RawConnection.call(
                port: port, "\(method) /a HTTP/1.1\r\nHost: orders\r\n\r\n", toHead: method == "HEAD")
            if let difference = caller.difference(view) {
                Issue.record("\(testDescription): the caller \(difference); it saw \(view)")
            }
        }
        if let problem { Issue.record("\(testDescription): \(problem)") }
    }
}

extension WorkloadCase.Caller {
    func difference(_ view: CallerView) -> String? {
        let isSuccess = view.status == 200 && view.isWhole
        switch self {
        case .gets(let body): return isSuccess && view.body == body ? nil : "does not get the answer"
        case .status(let status): return view.status == status && view.isWhole ? nil : "does not get \(status)"
        case .fails: return view.status == 502 || view.isCutOff ? nil : "is not told of the failure"
        case .isCutOff: return view.isCutOff ? nil : "does not see an answer that breaks off"
        case .getsSomething: return view.status == 0 ? "gets nothing" : nil
        }
    }
}
