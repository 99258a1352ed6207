import HPACKCoding
import TestSupport
import Testing

/// Workloads that cost more than an answer may: they lose their connection, and their callers are told.
struct WorkloadFloodTests {
    private static let floods: [(String, [Frame], @Sendable (UInt32) -> Frame)] = [
        ("PING", [], { _ in .ping() }),
        ("SETTINGS", [], { _ in .settings(.maxFrameSize(16_384)) }),
        ("empty DATA", [.headers(1, .ok, endStream: false)], { _ in .data(1, count: 0) }),
        (
            "CONTINUATION", [.headers(1, block: Fields.ok.block, endStream: false, endHeaders: false)],
            { .continuation(1, HPACK.literal("x-\($0)", "1"), endHeaders: false) }
        ),
    ]

    @Test(arguments: floods.indices)
    func `a workload that floods loses its connection, and the caller is told`(index: Int) async throws {
        let problem = try await ScriptedWorkload.serve { probe, connection in
            probe.readEnd(of: 1)
            guard connection == 0 else {
                WorkloadExchangeTests.answerAll(probe)
                return nil
            }
            probe.acknowledges = false
            let (name, first, frame) = Self.floods[index]
            probe.send(first)
            for round in UInt32(0)..<100 {
                guard probe.send((100 * round..<100 * round + 100).map(frame)) else { break }
            }
            probe.readToEnd()
            // Of an endless head one stream may be the victim alone.
            return probe.hasEnded || probe.stream(1).reset != nil ? nil : "\(name): nothing ends it; \(probe.story)"
        } call: { port, _ in
            let view = try RawConnection.call(port: port, ScriptedWorkload.post(1))
            #expect(view.status == 502 || view.isCutOff, "\(view)")
            let next = try RawConnection.call(port: port, ScriptedWorkload.get)
            #expect(next.body == "hello", "\(next)")
        }
        #expect(problem == nil)
    }

    @Test(arguments: ["x-bomb", "set-cookie"])
    func `an HPACK bomb of a workload's is 502`(name: String) async throws {
        let block =
            Fields.ok.block + HPACK.literal(name, String(repeating: "b", count: 4000), .incremental)
            + [UInt8](repeating: HPACK.indexed(62)[0], count: 10_000)
        let problem = try await ScriptedWorkload.serve { probe, _ in
            probe.readEnd(of: 1)
            probe.send(.headers(1, block: block))
            probe.read { $0.stream(1).reset != nil || $0.connectionError != nil }
            return probe.hasEnded || probe.stream(1).reset != nil || probe.connectionError != nil ? nil : probe.story
        } call: { port, _ in
            let view = try RawConnection.call(port: port, ScriptedWorkload.get)
            #expect(view.status == 502, "\(view)")
        }
        #expect(problem == nil)
    }
}
