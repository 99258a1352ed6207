import Glibc

/// The few file operations a fuzzer and the replay of its corpus need.
package enum Files {
    /// `Fuzzing/` of the source tree this was built from.
    package static var fuzzingFolder: String {
        let parts = #filePath.split(separator: "/").dropLast(2)
        return "/" + parts.joined(separator: "/")
    }

    /// Regular files of a folder, sorted by name; none if it is not there.
    package static func list(_ folder: String) -> [String] {
        guard let stream = unsafe opendir(folder) else { return [] }
        defer { unsafe closedir(stream) }
        var names: [String] = []
        while let entry = unsafe readdir(stream) {
            guard unsafe entry.pointee.d_type == UInt8(DT_REG) else { continue }
            let name = unsafe withUnsafeBytes(of: entry.pointee.d_name) {
                unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted().map { "\(folder)/\($0)" }
    }

    /// - Returns: `nil` if it cannot be read.
    package static func read(_ path: String) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = unsafe chunk.withUnsafeMutableBytes { unsafe Glibc.read(descriptor, $0.baseAddress, $0.count) }
            guard count >= 0 else { return nil }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
        }
    }

    /// Writes a finding; says so where it cannot.
    static func write(_ bytes: [UInt8], to path: String, in folder: String) {
        var partial = ""
        for part in folder.split(separator: "/") {
            partial += (partial.isEmpty && !folder.hasPrefix("/") ? "" : "/") + part
            unsafe mkdir(partial, 0o755)
        }
        let descriptor = unsafe open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
        let written = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(descriptor, $0.baseAddress, $0.count) }
        if written != bytes.count { print("cannot write \(path): errno \(errno)") }
        if descriptor >= 0 { close(descriptor) }
    }
}
