import Cryptography
package import Reconciliation

/// The name of a set: SHA-256 over all its names and bytes.
///
/// A heading, then for each file, in the order of its name's bytes: the length of the name and the name, the length of the bytes
/// and the bytes. Lengths are 64 bits, the highest first. No two sets have the same encoding.
package enum SetHash {
    /// As 64 hexadecimal digits in lower case.
    package static func of(_ files: [ManifestSource]) -> String {
        var encoded = Array("heddle-manifest-set-1\n".utf8)
        encoded.reserveCapacity(files.reduce(32) { $0 + $1.path.utf8.count + $1.bytes.count + 16 })
        for file in files.sorted(by: { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }) {
            append(file.path.utf8.count, to: &encoded)
            encoded += file.path.utf8
            append(file.bytes.count, to: &encoded)
            encoded += file.bytes
        }
        return SHA256.hexadecimal(of: encoded)
    }

    private static func append(_ count: Int, to bytes: inout [UInt8]) {
        for shift in stride(from: 56, through: 0, by: -8) { bytes.append(UInt8(truncatingIfNeeded: count >> shift)) }
    }
}
