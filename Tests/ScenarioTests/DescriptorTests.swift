import Glibc
import TestSupport
import Testing

extension ScenarioTests {
    @Suite struct `File descriptors that run out` {
        @Test func `accepting pauses without spinning, calls under way go on, and it resumes`() throws {
            let backend = TestBackend.forgetfulEcho()
            let port = TestPort.free()
            let folder = try TestFolder()
            try folder.write(Shop.oneHost(outbound: port, orders: backend.port))
            let heddle = try HeddleProcess.serving(folder, descriptors: 64)
            let first = try RawConnection(port: port)
            #expect(LoadClient.get("/", on: first).status == 200)

            // More than there are descriptors: the kernel's queue holds those that are not accepted.
            var crowd: [RawConnection] = []
            for _ in 0..<100 { crowd.append(try RawConnection(port: port)) }
            let last = try RawConnection(port: port)
            last.send("GET /last HTTP/1.1\r\nHost: orders\r\n\r\n")
            #expect(LoadClient.get("/", on: first).status == 200)
            // Two seconds of it must not cost a tenth of that.
            let before = heddle.process.processorTicks
            Pause.inWhichNothingMayHappen(.seconds(2))
            let used = heddle.process.processorTicks - before
            #expect(used < 20, "\(used) ticks")
            #expect(heddle.process.exit() == nil)

            // A change that comes now cannot be read: what serves goes on serving.
            let generations = heddle.servedGenerations.count
            try folder.write(Self.noMoreWrites, as: "writes.yaml")
            #expect(waitUntil { heddle.errors.contains("refused") }, "\(heddle.errors)")
            #expect(LoadClient.get("/", on: first).status == 200)

            crowd = []
            let served = last.response()
            #expect(served.status == 200, "\(served.summary)")
            #expect(LoadClient.get("/", on: try RawConnection(port: port)).status == 200)
            try heddle.waitUntilServing(generationsBefore: generations)
            #expect(heddle.terminate() == .code(0))
        }

        private static let noMoreWrites = """
            apiVersion: heddle/v1
            kind: AuthorizationPolicy
            metadata: {name: no-writes, namespace: shop}
            spec: {action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]}
            """
    }
}
