package import ConfigFormats
import ConfigValues
import Diagnostics

extension TextCheck {
    /// Reads a text, and what is written of it. That must say the same, and be written the same.
    /// - Returns: A number that stands for what came of it.
    package static func roundTrip(_ input: [UInt8], as format: ConfigFormat) -> UInt64 {
        let origin = TextOrigin(layer: "fuzz", file: "fuzz")
        let value: ConfigValue
        do throws(InvalidText) {
            value = try format.read(input, of: origin)
        } catch {
            return feature(of: error, for: input)
        }
        do throws(UnwritableValue) {
            let text = try format.write(value)
            let again: ConfigValue
            do throws(InvalidText) {
                again = try format.read(text, of: origin)
            } catch {
                preconditionFailure("what was written is refused: \(error.diagnostics)")
            }
            // Keys of dotenv are written in large letters.
            if format != .dotenv { precondition(again == value) }
            precondition((try? format.write(again)) == text)
            return UInt64(min(text.count, 64)) &* 31 &+ UInt64(value.map?.count ?? 0)
        } catch {
            return UInt64(error.expected.utf8.count)
        }
    }
}
