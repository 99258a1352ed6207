/// What the command line of a fuzzer says.
struct FuzzOptions {
    var seconds = 60
    var seed: UInt64 = 1
    var corpus: String
    var crashers: String
    /// Longest input made by mutation.
    var maximumByteCount = 65_536
    var replay: [String] = []
    /// Set by the parent for its child: where the board is.
    var workerDescriptor: CInt?

    /// - Returns: `nil` if an option is unknown or has no fitting value.
    init?(name: String, arguments: [String]) {
        corpus = "\(Files.fuzzingFolder)/Corpus/\(name)"
        crashers = "\(Files.fuzzingFolder)/Crashers/\(name)"
        var rest = arguments[...]
        while let option = rest.popFirst() {
            if option == "--replay" {
                replay = Array(rest)
                guard !replay.isEmpty else { return nil }
                return
            }
            guard let value = rest.popFirst() else { return nil }
            switch option {
            case "--seconds":
                guard let number = Int(value), (1...1_000_000).contains(number) else { return nil }
                seconds = number
            case "--seed":
                guard let number = UInt64(value) else { return nil }
                seed = number
            case "--corpus": corpus = value
            case "--crashers": crashers = value
            case "--max-bytes":
                guard let number = Int(value), (1...InputBoard.capacity).contains(number) else { return nil }
                maximumByteCount = number
            case "--worker":
                guard let number = CInt(value) else { return nil }
                workerDescriptor = number
            default: return nil
            }
        }
    }
}
