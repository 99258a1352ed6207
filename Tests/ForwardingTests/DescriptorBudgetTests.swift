import Testing

@testable import Forwarding

@Suite struct `The budget of descriptors` {
    private static func budget(_ limit: Int, fixed: Int = 24, workers: Int = 2, connections: Int = 100_000)
        -> DescriptorBudget
    {
        DescriptorBudget(limit: limit, fixed: fixed, workerCount: workers, connectionLimit: connections)
    }

    @Test(arguments: [64, 128, 256, 1024, 4096, 20_000, 1_048_576], [1, 2, 16])
    func `all uses together stay below the limit, whatever is taken of each`(limit: Int, workers: Int) {
        let budget = Self.budget(limit, workers: workers)
        var share = DescriptorShare(budget.share)
        var taken = 0
        // Callers first, then endpoints, then pipes: as many as there are to be had.
        while share.admits(.caller) {
            share.change(.caller, by: 1)
            taken += 1
        }
        #expect(taken * workers == budget.connections)
        while share.admits(.endpoint) {
            share.change(.endpoint, by: 1)
            taken += 1
        }
        while share.admitsPipe {
            share.changePipes(by: 1)
            taken += 2
        }
        let sum =
            budget.fixed + taken * workers + DescriptorBudget.reserve(of: limit) + DescriptorBudget.programs(of: limit)
        // A worker has enough for two calls in any case.
        #expect(sum <= limit || taken <= 8)
        #expect(DescriptorBudget.adminConnections(of: limit) < DescriptorBudget.reserve(of: limit))
    }

    @Test func `the mesh's own limit bounds callers where there are descriptors enough`() {
        let budget = Self.budget(1_048_576, connections: 1000)
        #expect(budget.connections == 1000)
        #expect(!budget.isBoundByDescriptors && !budget.isLow)
    }

    @Test func `a limit of 1,024 open files is told to be low, one of half a million is not`() {
        #expect(Self.budget(1024).isLow)
        #expect(!Self.budget(524_288).isLow)
        #expect(!Self.budget(1024, connections: 100).isLow)
    }
}

@Suite struct `A worker's share of the descriptors` {
    private static func share(_ connections: Int = 80, callers: Int = 100_000) -> DescriptorShare {
        let share = DescriptorShare(DescriptorShare.Limits(total: connections + connections / 7, callers: callers))
        return share
    }

    @Test func `every caller that is held can have a connection of its own to an endpoint`() {
        var share = Self.share()
        while share.admits(.caller) { share.change(.caller, by: 1) }
        for _ in 0..<share.callers {
            #expect(share.admits(.endpoint))
            share.change(.endpoint, by: 1)
        }
    }

    @Test func `endpoints leave an eighth to callers, and have all that callers do not use`() {
        var share = Self.share()
        while share.admits(.endpoint) { share.change(.endpoint, by: 1) }
        #expect(share.endpoints == share.limits.connections - share.limits.connections / 8)
        for _ in 0..<(share.limits.connections / 8) {
            #expect(share.admits(.caller))
            share.change(.caller, by: 1)
        }
        #expect(!share.admits(.caller))
    }

    @Test func `a caller gives way to a caller; an endpoint does only where endpoints have more than their half`() {
        var share = Self.share()
        while share.admits(.caller) { share.change(.caller, by: 1) }
        share.change(.endpoint, by: 1)
        #expect(share.isHelped(.caller, byLess: .caller))
        #expect(!share.isHelped(.caller, byLess: .endpoint))

        share = Self.share()
        while share.admits(.endpoint) { share.change(.endpoint, by: 1) }
        while share.admits(.caller) { share.change(.caller, by: 1) }
        #expect(share.isHelped(.caller, byLess: .endpoint))
    }

    @Test func `an endpoint gives way to an endpoint; a caller does where callers have more than their eighth`() {
        var share = Self.share()
        while share.admits(.endpoint) { share.change(.endpoint, by: 1) }
        #expect(share.isHelped(.endpoint, byLess: .endpoint))
        #expect(!share.isHelped(.endpoint, byLess: .caller))

        share = Self.share()
        while share.admits(.caller) { share.change(.caller, by: 1) }
        while share.admits(.endpoint) { share.change(.endpoint, by: 1) }
        #expect(share.isHelped(.endpoint, byLess: .caller))
    }

    @Test func `nothing is gained by what is not there`() {
        let share = Self.share(8, callers: 0)
        for use in DescriptorShare.Use.allCases {
            #expect(!share.isHelped(.caller, byLess: use))
        }
    }
}
