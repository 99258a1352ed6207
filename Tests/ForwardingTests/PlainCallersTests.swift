import CommonValues
import Telemetry
import Testing

@testable import Forwarding

/// Who is left that calls in plain, as one worker counts, and as several come to.
struct PlainCallersTests {
    private let orders = Label(id: 1)
    private let payments = Label(id: 2)

    private func address(_ number: Int) -> IPAddress { IPAddress(v4: 0x0A00_0000 + UInt32(number)) }

    private func calls(_ callers: PlainCallers.Callers?) -> UInt64 {
        (callers?.sources ?? []).reduce(0) { $0 + $1.calls } + (callers?.otherCalls ?? 0)
    }

    @Test func `each source of each service is counted for itself`() {
        var callers = PlainCallers()
        for time in 1...3 { callers.record(address(1), callingAt: UInt64(time), service: orders) }
        callers.record(address(2), callingAt: 4, service: orders)
        callers.record(address(1), callingAt: 5, service: payments)
        let sources = callers.byService[orders]!.sources.sorted { $0.lastAt < $1.lastAt }
        #expect(sources.map(\.text) == ["10.0.0.1", "10.0.0.2"])
        #expect(sources.map(\.calls) == [3, 1])
        #expect(sources.map(\.lastAt) == [3, 4])
        #expect(callers.totals == [orders: 4, payments: 1])
    }

    @Test func `addresses of one network of IPv6 are one source`() {
        var callers = PlainCallers()
        for text in ["2001:db8:1:2::1", "2001:db8:1:2:ffff::9", "2001:db8:1:3::1"] {
            callers.record(IPAddress(text)!, callingAt: 1, service: orders)
        }
        let sources = callers.byService[orders]!.sources
        #expect(sources.map(\.text) == ["2001:db8:1:2::/64", "2001:db8:1:3::/64"])
        #expect(sources.map(\.calls) == [2, 1])
    }

    @Test func `this host's own address of IPv6 stands for itself`() {
        var callers = PlainCallers()
        for text in ["::1", "::1", "::2"] { callers.record(IPAddress(text)!, callingAt: 1, service: orders) }
        let sources = callers.byService[orders]!.sources
        #expect(sources.map(\.text) == ["::1", "::/64"])
        #expect(sources.map(\.calls) == [2, 1])
    }

    @Test func `a flood of sources takes no more room, and leaves who calls on`() {
        var callers = PlainCallers()
        let left = address(0)
        for number in 1...10_000 {
            callers.record(address(number), callingAt: UInt64(number), service: orders)
            if number.isMultiple(of: 50) { callers.record(left, callingAt: UInt64(number), service: orders) }
        }
        let found = callers.byService[orders]!
        #expect(found.sources.count == PlainCallers.sourceLimit)
        #expect(found.sources.first { $0.address == left }?.calls == 200)
        #expect(calls(found) == 10_200 && callers.totals == [orders: 10_200])
        // Of the others the last.
        #expect(found.sources.filter { $0.address != left }.allSatisfy { $0.lastAt > 10_000 - 64 })
    }

    @Test func `several workers' shares come to no more sources, and lose no call`() {
        var all = PlainCallers()
        for worker in 0..<4 {
            var share = PlainCallers()
            for number in 0..<60 {
                share.record(address(worker * 30 + number), callingAt: UInt64(number), service: orders)
            }
            all.add(share)
        }
        #expect(all.byService[orders]!.sources.count == PlainCallers.sourceLimit)
        #expect(calls(all.byService[orders]) == 240 && all.totals == [orders: 240])
    }

    @Test func `of a service that has no such port any more the sources are forgotten, and the calls are not`() {
        var callers = PlainCallers()
        callers.record(address(1), callingAt: 1, service: orders)
        callers.record(address(1), callingAt: 1, service: payments)
        callers.forgetAll(except: [payments])
        #expect(callers.byService.keys.map(\.id) == [payments.id])
        #expect(callers.totals == [orders: 1, payments: 1])
    }
}
