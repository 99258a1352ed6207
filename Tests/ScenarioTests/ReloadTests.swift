import Synchronization
import TestSupport
import Testing

extension ScenarioTests {
    @Suite struct `Reloads under load` {
        /// Which generations may serve at the moment.
        private final class Generations: Sendable {
            /// Every request that begins now is served by this one or a later one.
            let acknowledged = Atomic(0)
            /// No response that ended until now was by a later one.
            let written = Atomic(0)
        }

        @Test
        func `no request fails, no connection closes, and every response is right for the old or the new generation`()
            throws
        {
            let backend = TestBackend.forgetfulEcho()
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(
                Shop.oneHost(outbound: port, orders: backend.port, rule: Shop.service("other")), as: "shop.yaml")
            try folder.write(Shop.generation(0), as: "generation.yaml")
            let heddle = try HeddleProcess.serving(folder)
            let generations = Generations()
            let load = LoadClient(port: port, callers: 64) { Self.complaint($0, generations) }

            for number in 1...(ScenarioTests.isLong ? 1000 : 200) {
                generations.written.store(number, ordering: .sequentiallyConsistent)
                try heddle.serve { try folder.write(Shop.generation(number), as: "generation.yaml") }
                generations.acknowledged.store(number, ordering: .sequentiallyConsistent)
            }

            let report = load.stop()
            #expect(report.failures == 0, "\(report.complaints)")
            #expect(report.closed == 0)
            #expect(report.requests > 1000)
            #expect(heddle.terminate() == .code(0))
        }

        private static func complaint(_ call: LoadClient.Call, _ generations: Generations) -> String? {
            let first = generations.acknowledged.load(ordering: .sequentiallyConsistent)
            let asksForOne = call.number % 2 == 1
            let path = asksForOne ? "/only/\(first)" : "/orders/\(call.number)"
            let response = LoadClient.get(path, on: call.connection)
            let last = generations.written.load(ordering: .sequentiallyConsistent)
            let problem = "\(path) in generations \(first)...\(last): \(response.summary)"
            if response.status == 403 {
                // A later generation does not allow the path any more.
                return asksForOne && last > first && response.field("x-heddle-reason") == "denied" ? nil : problem
            }
            guard response.status == 200, response.body.hasPrefix("GET \(path) "),
                let route = response.received("x-generation").flatMap(Int.init), (first...last).contains(route)
            else { return problem }
            guard response.field("x-served-by") == "\(route)" else { return problem }
            // A rule of one generation beside the route of another would be half a change.
            return asksForOne && route != first ? problem : nil
        }
    }
}
