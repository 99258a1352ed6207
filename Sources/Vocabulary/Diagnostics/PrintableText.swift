extension StringProtocol {
    /// Text of others (a file's name, a value of a manifest) as it may be shown: what a terminal would obey instead of
    /// showing (control characters, such that turn the direction of text, line separators) is escaped: `\u{1B}`.
    package var printable: String {
        if utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return String(self) }
        var text = ""
        for scalar in unicodeScalars {
            if scalar.isPrintable { text.unicodeScalars.append(scalar) } else { text += scalar.escaped(asASCII: true) }
        }
        return text
    }
}

extension String {
    /// Bytes that need not be UTF-8, as they may be shown: `d\xE9ny.yaml`.
    package init(printable bytes: some Collection<UInt8>) {
        self = ""
        var rest = Array(bytes)[...]
        while let first = rest.first {
            let scalar = (1...4).lazy.compactMap { Self.scalar(of: rest.prefix($0)) }.first
            if let scalar {
                self += String(scalar).printable
                rest.removeFirst(UTF8.width(scalar))
            } else {
                let digits = String(first, radix: 16, uppercase: true)
                self += "\\x" + (digits.count < 2 ? "0" : "") + digits
                rest.removeFirst()
            }
        }
    }

    private static func scalar(of bytes: ArraySlice<UInt8>) -> Unicode.Scalar? {
        guard let text = String(validating: bytes, as: UTF8.self), text.unicodeScalars.count == 1 else { return nil }
        return text.unicodeScalars.first
    }
}

extension Unicode.Scalar {
    /// Whether a terminal shows it, and does nothing else.
    var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}
