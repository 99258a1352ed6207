package import ConfigValues
import FuzzKit

/// Published cases, which lie beside the repository and not in it.
package enum ConformanceCases {
    /// What a file of theirs says; `nil` where it is not.
    package static func read(_ name: String) throws -> ConfigValue? {
        let root = #filePath.split(separator: "/").dropLast(3)
        for levels in 1...3 {
            let path = "/" + root.dropLast(levels).joined(separator: "/") + "/shared/conformance/" + name
            guard let bytes = Files.read(path) else { continue }
            var limits = ConfigLimits()
            limits.byteCount = 64 << 20
            limits.valueCount = 10_000_000
            return try JSONReader.read(bytes.span, of: TextOrigin(layer: "test", file: name), limits: limits)
        }
        return nil
    }
}
