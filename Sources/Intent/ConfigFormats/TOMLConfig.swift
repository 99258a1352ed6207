import ConfigValues
import Diagnostics

/// TOML 1.0.
enum TOMLConfig {
    static func read(_ bytes: [UInt8], of origin: TextOrigin, _ limits: ConfigLimits) throws(InvalidText) -> ConfigValue
    {
        precondition((1...256).contains(limits.depth))
        let bytes = bytes.span
        do throws(Diagnostic) {
            try origin.check(bytes, limits)
        } catch {
            throw InvalidText([error])
        }
        var reading = TOMLReading(bytes, origin, limits)
        do throws(Diagnostic) {
            try reading.readLines()
        } catch {
            throw InvalidText(reading.problems + [error])
        }
        guard reading.problems.isEmpty else { throw InvalidText(reading.problems) }
        return reading.tables.value(of: TOMLTables.root, origin)
    }
}
