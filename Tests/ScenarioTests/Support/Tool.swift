import Glibc

/// A program of the machine's own, as the other side of a test.
enum Tool {
    /// Tests that need a program that is not there are skipped.
    static func exists(_ name: String) -> Bool {
        let path = unsafe getenv("PATH").map { unsafe String(cString: $0) } ?? "/usr/bin:/bin"
        return path.split(separator: ":").contains { unsafe access("\($0)/\(name)", X_OK) == 0 }
    }

    struct Result {
        let status: ChildProcess.Exit?
        let output: String
        let errors: String
    }

    /// Runs it to its end, in a folder of logs.
    static func run(_ name: String, _ arguments: [String], in folder: TestFolder, input: String = "") throws -> Result {
        let file = folder.file("logs/input-\(UInt32.random(in: .min ... .max))")
        try Files.replace(file, input)
        let process = try ChildProcess(name, arguments, folder: folder.file("logs"), input: file)
        let status = process.waitForExit()
        return Result(status: status, output: process.output, errors: process.errors)
    }

    /// Runs it to its end, whatever it prints.
    /// - Returns: The exit code.
    static func run(_ name: String, _ arguments: String...) throws -> Int32 {
        try Heddle.run(Array(arguments.dropFirst()), through: [name], as: arguments[0]).exitCode
    }
}
