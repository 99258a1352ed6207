import FuzzKit
import Glibc
import Synchronization
import TestSupport
import Testing

extension ScenarioTests {
    @Suite struct `kill -9` {
        @Test func `at random moments while manifests change and requests flow, loses neither root nor last good set`()
            throws
        {
            let backend = TestBackend.forgetfulEcho()
            let port = TestPort.free()
            let folder = try TestFolder()
            let shop = Shop.oneHost(outbound: port, orders: backend.port, rule: Shop.service("other"))
            try folder.write(shop, as: "shop.yaml")
            try folder.write(Shop.generation(0), as: "generation.yaml")
            try HeddleProcess.serving(folder).kill()
            let root = Self.roots(folder)
            #expect(root.count == 1)

            var random = SplitMix64(seed: 20_261_122)
            var written = 0
            var lastGood = 0
            // Calls fail while nothing runs; what is answered must be right.
            let wrong = Mutex<[String]>([])
            let load = LoadClient(port: port, callers: 8) { call in
                let response = LoadClient.get("/orders/\(call.number)", on: call.connection)
                if response.head.isEmpty { return "no response" }
                let isRight =
                    response.status == 200
                    && response.received("x-generation") == response.field("x-served-by")
                    && response.body.hasPrefix("GET /orders/\(call.number) ")
                if !isRight { wrong.withLock { $0.append(response.summary) } }
                return nil
            }
            for round in 0..<(ScenarioTests.isLong ? 100 : 20) {
                // Every other time the folder is wrong when it starts again.
                let isBroken = round % 2 == 1
                if isBroken { try folder.write("kind: [", as: "broken.yaml") }
                let heddle = try HeddleProcess(folder)
                if round % 4 >= 2 {
                    Pause.ofAnyLength(upTo: .milliseconds(150), using: &random)
                    heddle.kill()
                } else {
                    try heddle.waitUntilServing()
                    let served = LoadClient.get("/orders/x", on: try RawConnection(port: port))
                    let number = served.received("x-generation").flatMap(Int.init)
                    #expect((lastGood...written).contains(number ?? -1), "round \(round): \(served.summary)")
                    lastGood = number ?? lastGood
                    if isBroken { Files.remove(folder.manifests + "/broken.yaml") }
                    let changes = Int.random(in: 0...40, using: &random)
                    for _ in 0..<changes {
                        written += 1
                        try folder.write(Shop.generation(written), as: "generation.yaml")
                        Pause.ofAnyLength(upTo: .milliseconds(20), using: &random)
                    }
                    heddle.kill()
                }
                if isBroken { Files.remove(folder.manifests + "/broken.yaml") }
                #expect(Self.roots(folder) == root, "round \(round)")
            }
            let heddle = try HeddleProcess.serving(folder)
            let last = LoadClient.get("/orders/x", on: try RawConnection(port: port))
            #expect(last.received("x-generation") == "\(written)")
            #expect(Self.roots(folder) == root)
            #expect(heddle.terminate() == .code(0))
            _ = load.stop()
            #expect(wrong.withLock { $0 } == [])
            // What an interrupted write leaves is overwritten by the next one, and does not pile up.
            let names = Files.names(in: folder.state()) + Files.names(in: folder.state() + "/generations")
            #expect(names.count < 10, "\(names)")
        }

        @Test func `at random moments of an apply of many files, leaves all of it or nothing`() throws {
            let folder = try TestFolder()
            let count = 150
            func manifest(_ index: Int, _ kind: String) -> String {
                Shop.service("s\(index)").replacing("HTTP", with: kind) + "\n"
            }
            for index in 0..<count { try folder.write(manifest(index, "HTTP"), as: "s\(index).yaml") }
            var kind = "HTTP"
            // How long a whole one takes here; nothing is expected of it.
            var whole = Duration.milliseconds(200)
            var random = SplitMix64(seed: 20_261_129)
            for round in 0..<(ScenarioTests.isLong ? 100 : 8) {
                let heddle = try HeddleProcess.serving(folder)
                let next = kind == "HTTP" ? "GRPC" : "HTTP"
                let given = folder.file("given-\(round)")
                try Files.makeFolder(given)
                for index in 0..<count { try Files.replace("\(given)/s\(index).yaml", manifest(index, next)) }
                let start = ContinuousClock.now
                let apply = try ChildProcess(
                    Heddle.path, ["apply", "-f", given, "--state", folder.state()], folder: folder.file("logs"))
                if round == 0 {
                    #expect(apply.waitForExit() == .code(0), "\(apply.errors)")
                    whole = start.duration(to: .now)
                } else {
                    Pause.ofAnyLength(upTo: whole, using: &random)
                }
                heddle.kill()
                _ = apply.waitForExit()

                let again = try HeddleProcess.serving(folder)
                let kinds = Set(
                    (0..<count).map { index in
                        let text = Files.text("\(folder.manifests)/s\(index).yaml")
                        return ["HTTP", "GRPC"].first { text == manifest(index, $0) } ?? text
                    })
                #expect(kinds.count == 1, "round \(round)")
                kind = kinds.first ?? kind
                #expect(Files.names(in: folder.manifests).count == count, "\(Files.names(in: folder.manifests))")
                #expect(Files.names(in: folder.state() + "/changes") == [])
                again.kill()
            }
        }

        private static func roots(_ folder: TestFolder) -> [String: [UInt8]] {
            var roots: [String: [UInt8]] = [:]
            func look(_ path: String) {
                for name in Files.names(in: path) {
                    if name.hasPrefix("root-"), name.hasSuffix(".pem") { roots[name] = Files.bytes("\(path)/\(name)") }
                    look("\(path)/\(name)")
                }
            }
            look(folder.state())
            return roots
        }
    }
}
