import Glibc

/// A mutational fuzzing loop that needs no special build: seeded, repeatable, and whatever kills it leaves its input
/// behind.
///
/// A fuzzer is an executable of one statement, `FuzzLoop.run(name: "yaml") { bytes in … }`. Its inputs are the files of
/// `Fuzzing/Corpus/<name>` and what mutation makes of them. The body must trap (`precondition`) on a finding. It runs in
/// a child process; when that dies or hangs, the parent writes the input to `Fuzzing/Crashers/<name>` and exits with 1.
///
/// Options: `--seconds N` (60), `--seed N` (1), `--corpus DIR`, `--crashers DIR`, `--max-bytes N` (65536),
/// `--replay FILE…` (runs the body on these files in this process, and nothing else).
package enum FuzzLoop {
    /// Feeds `body` until the time is up; it traps on a finding.
    /// - Parameter dictionary: tokens worth inserting, such as keywords of the format.
    package static func run(
        name: String, arguments: [String] = CommandLine.arguments, dictionary: [String] = [],
        body: ([UInt8]) -> Void
    ) {
        explore(name: name, arguments: arguments, dictionary: dictionary) { input in
            body(input)
            return 0
        }
    }

    /// As `run`, guided by what `body` returns: a number that stands for how the input was treated (a hash of the error
    /// codes it met, say). An input with a number not seen before is kept and mutated further.
    package static func explore(
        name: String, arguments: [String] = CommandLine.arguments, dictionary: [String] = [],
        body: ([UInt8]) -> UInt64
    ) {
        guard let options = FuzzOptions(name: name, arguments: Array(arguments.dropFirst())) else {
            print("usage: fuzz-\(name) [--seconds N] [--seed N] [--corpus DIR] [--crashers DIR] [--max-bytes N]")
            print("       fuzz-\(name) --replay FILE…")
            exit(2)
        }
        if !options.replay.isEmpty {
            replay(options.replay, body)
        } else if let descriptor = options.workerDescriptor {
            work(name: name, options, dictionary, InputBoard(descriptor: descriptor), body)
        } else {
            supervise(name: name, options, arguments)
        }
    }

    private static func replay(_ paths: [String], _ body: ([UInt8]) -> UInt64) {
        for path in paths {
            guard let bytes = Files.read(path) else {
                print("cannot read \(path)")
                exit(2)
            }
            print("\(path): \(bytes.count) bytes")
            _ = body(bytes)
        }
    }

    /// The child: mutates and runs, and leaves each input on the board before it is tried.
    private static func work(
        name: String, _ options: FuzzOptions, _ dictionary: [String], _ board: InputBoard, _ body: ([UInt8]) -> UInt64
    ) {
        var pool = Files.list(options.corpus).compactMap { Files.read($0) }.filter {
            $0.count <= options.maximumByteCount
        }
        let seedCount = pool.count
        if pool.isEmpty { pool = [[]] }
        var seen: Set<UInt64> = []
        for seed in pool {
            board.show(seed)
            seen.insert(body(seed))
        }

        var mutator = Mutator(
            seed: options.seed, dictionary: dictionary.map { Array($0.utf8) },
            maximumByteCount: options.maximumByteCount)
        let end = ContinuousClock.now + .seconds(options.seconds)
        var count = seedCount
        while ContinuousClock.now < end {
            for _ in 0..<64 {
                let input = mutator.mutate(pool: pool)
                board.show(input)
                let feature = body(input)
                if pool.count < 20_000, seen.insert(feature).inserted { pool.append(input) }
            }
            count += 64
        }
        print(
            "fuzz-\(name): \(count) inputs, \(seedCount) seeds, \(seen.count) features, seed \(options.seed): no finding"
        )
    }

    /// The parent: starts the child, and keeps the input that killed it or that it hangs on for 20 s.
    private static func supervise(name: String, _ options: FuzzOptions, _ arguments: [String]) {
        let board = InputBoard()
        let child = board.spawn(Array(arguments.dropFirst()))
        var lastTurn: UInt64 = 0
        var lastProgress = ContinuousClock.now
        var status: CInt = 0
        var hung = false
        while unsafe waitpid(child, &status, WNOHANG) == 0 {
            usleep(100_000)
            let turn = board.turn
            if turn != lastTurn {
                lastTurn = turn
                lastProgress = .now
            } else if ContinuousClock.now - lastProgress > .seconds(20) {
                hung = true
                kill(child, SIGKILL)
                _ = unsafe waitpid(child, &status, 0)
                break
            }
        }
        if status == 0 && !hung { return }

        let input = board.input
        var digest: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in input { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01B3 }
        let path = "\(options.crashers)/\(hung ? "hang" : "crash")-\(String(digest, radix: 16))"
        Files.write(input, to: path, in: options.crashers)
        print("fuzz-\(name): finding (\(hung ? "no progress for 20 s" : "wait status \(status)")), kept in \(path)")
        print("replay it with: fuzz-\(name) --replay \(path)")
        exit(1)
    }
}
