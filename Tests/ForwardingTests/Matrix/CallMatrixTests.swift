import CallOutcomes
import MeshFixtures
import Testing

@testable import Forwarding

/// Every call that can be, on every way that there is, and what can befall it at each point: what both sides see, and what is
/// written down. `Expectation` says what that must be. The cells of a way run at once, the ways one after the other.
@Suite(.serialized) struct CallMatrixTests {
    @Test(arguments: Way.all) func `a call passes as it is`(way: Way) async throws { try await run(way, .plain) }

    @Test(arguments: Way.all)
    func `what was not processed, or may be done twice, goes to the next endpoint`(way: Way) async throws {
        try await run(way, .retries)
    }

    @Test(arguments: Way.all)
    func `a caller that stalls is told so, and its workload let go`(way: Way) async throws {
        try await run(way, .callerStalls)
    }

    @Test(arguments: Way.all)
    func `a workload that stalls is let go, and its caller told so`(way: Way) async throws {
        try await run(way, .workloadStalls)
    }

    @Test(arguments: Way.all)
    func `a caller that ends its half is answered if it has asked for all that it wants`(way: Way) async throws {
        try await run(way, .callerEnds)
    }

    @Test(arguments: Way.all)
    func `nobody takes a part for the whole when a workload ends`(way: Way) async throws {
        try await run(way, .workloadEnds)
    }

    @Test(arguments: Way.all)
    func `a caller's reset reaches the workload`(way: Way) async throws { try await run(way, .callerResets) }

    @Test(arguments: Way.all)
    func `a workload's reset is no end of its answer`(way: Way) async throws { try await run(way, .workloadResets) }

    @Test(arguments: Way.all)
    func `rules that deny a call end it at once, wherever it is`(way: Way) async throws {
        try await run(way, .denials)
    }

    // MARK: What cannot be

    @Test func `nothing is left out without a reason, and no way or shape as a whole`() {
        for caller in CallerSpeech.allCases {
            for workload in WorkloadSpeech.allCases {
                let ways = Way.all.filter { $0.caller == caller && $0.workload == workload }
                #expect(ways.count == (Way.isNone(caller, workload) == nil ? Place.allCases.count : 0))
            }
        }
        for way in Way.all {
            for kind in Matrix.Kind.allCases {
                let tried = Set(Matrix.cells(way, kind).map(\.shape))
                // A stall is of a body, which some shapes have none of.
                let shapes = Shape.allCases.filter { Cell.isNone(way.caller, $0) == nil }
                #expect(kind == .callerStalls || tried == Set(shapes), "\(way), \(kind)")
            }
        }
    }

    @Test(arguments: CallerSpeech.allCases, WorkloadSpeech.allCases)
    func `a call to what is declared as another protocol reaches nobody`(
        caller: CallerSpeech, workload: WorkloadSpeech
    ) async throws {
        guard Way.isNone(caller, workload) != nil else { return }
        for place in Place.allCases {
            let way = Way(caller: caller, workload: workload, place: place)
            let cell = Cell(way: way, shape: .pieces, condition: .plain)
            guard caller != .tcp else {
                await #expect(throws: BadManifests.self) {
                    _ = try await MatrixWorld(way, [cell], timeouts: "")
                }
                continue
            }
            let world = try await MatrixWorld(way, [cell], timeouts: "")
            let seen = try world.run(of: 0).askInVain()
            #expect(seen.start == (caller == .grpc ? "200" : "404"))
            #expect(seen.trailers == (caller == .grpc ? ["grpc-status": "12"] : [:]))
            #expect(!world.sites[0].live[0].isCalled)
            await world.stop()
        }
    }

    // MARK: Running

    private func run(_ way: Way, _ kind: Matrix.Kind) async throws {
        let groups = Dictionary(grouping: Matrix.cells(way, kind), by: \.timeouts)
        for (timeouts, cells) in groups.sorted(by: { $0.key < $1.key }) {
            let world = try await MatrixWorld(way, cells, timeouts: timeouts)
            let outcomes = try await world.run()
            let records = await world.records(outcomes.map(\.callCount))
            for index in cells.indices { check(cells[index], outcomes[index], records[index]) }
            await world.stop()
        }
    }

    private func check(_ cell: Cell, _ outcome: CellRun.Outcome, _ records: [Expectation.Record: Int]) {
        let expected = Expectation(of: cell)
        var problems: [String] = []
        if let problem = outcome.problem { problems.append(problem) }
        if let difference = expected.caller.difference(outcome.caller) { problems.append("the caller \(difference)") }
        switch (expected.workload, outcome.workload) {
        case (let view?, let seen?):
            if let difference = view.difference(seen) { problems.append("the workload \(difference)") }
        case (_?, nil): problems.append("the workload should hear of it")
        case (nil, let seen?): problems.append("the workload should hear nothing, and heard: \(seen)")
        case (nil, nil): break
        }
        if var record = expected.record.map({ [$0: 1] }) {
            if outcome.callCount > 1 { record[Expectation.Record(status: 200, reason: .none), default: 0] += 1 }
            if record != records { problems.append("should be written down as \(record), and is as \(records)") }
        }
        for problem in problems { Issue.record("\(cell): \(problem)") }
    }
}
