import Diagnostics

extension ConfigValue {
    package enum JSONStyle: Sendable {
        /// No blanks at all.
        case compact
        /// Indented by two spaces a level, as all JSON that people are shown.
        case pretty
    }

    /// As JSON (RFC 8259), without a line break at the end. The same value has the same bytes, wherever it is from.
    package func json(_ style: JSONStyle = .compact) -> [UInt8] {
        var bytes: [UInt8] = []
        writeJSON(into: &bytes, style)
        return bytes
    }

    package func writeJSON(into bytes: inout [UInt8], _ style: JSONStyle = .compact) {
        switch style {
        case .compact: writeJSON(into: &bytes, indentation: nil)
        case .pretty: writeJSON(into: &bytes, indentation: 0)
        }
    }

    private func writeJSON(into bytes: inout [UInt8], indentation: Int?) {
        switch content {
        case .null: bytes += "null".utf8
        case .boolean(let value): bytes += (value ? "true" : "false").utf8
        case .number(let value): bytes += value.text.utf8
        case .string(let value): JSONText.write(value, into: &bytes)
        case .list(let items):
            Self.write(items, "[", "]", into: &bytes, indentation) { item, bytes, indentation in
                item.writeJSON(into: &bytes, indentation: indentation)
            }
        case .map(let map):
            Self.write(map.entries, "{", "}", into: &bytes, indentation) { entry, bytes, indentation in
                JSONText.write(entry.key, into: &bytes)
                bytes += (indentation == nil ? ":" : ": ").utf8
                entry.value.writeJSON(into: &bytes, indentation: indentation)
            }
        }
    }

    private static func write<Item>(
        _ items: [Item], _ opening: Unicode.Scalar, _ closing: Unicode.Scalar, into bytes: inout [UInt8],
        _ indentation: Int?,
        _ write: (Item, inout [UInt8], Int?) -> Void
    ) {
        bytes.append(UInt8(ascii: opening))
        let inner = indentation.map { $0 + 2 }
        for (index, item) in items.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            breakLine(&bytes, inner)
            write(item, &bytes, inner)
        }
        if !items.isEmpty { breakLine(&bytes, indentation) }
        bytes.append(UInt8(ascii: closing))
    }

    private static func breakLine(_ bytes: inout [UInt8], _ indentation: Int?) {
        guard let indentation else { return }
        bytes.append(UInt8(ascii: "\n"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: indentation))
    }
}

extension ConfigNumber {
    /// The shortest text that is read as the same number, in JSON, YAML and TOML: `-3`, `1.1`, `1e-7`. A whole number has neither
    /// point nor exponent, however it is held, but for those beyond 64 bits, which have an exponent.
    package var text: String {
        switch self {
        case .integer(let value): return String(value)
        case .fraction(let value):
            if let whole = Int64(exactly: value) { return String(whole) }
            // Swift writes `1e-07` and `1e+20`.
            let parts = value.description.split(separator: "e")
            guard parts.count == 2 else { return value.description }
            let sign = parts[1].hasPrefix("-") ? "-" : ""
            return parts[0] + "e" + sign + parts[1].drop { "+-0".contains($0) }
        }
    }
}
