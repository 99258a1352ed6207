/// Some of Unicode's general categories (UAX #44 § 5.7.1).
struct CategorySet: OptionSet, Hashable, Sendable {
    let rawValue: UInt32

    private static let all = CategorySet(rawValue: (1 << 30) - 1)

    var inverted: CategorySet { Self.all.subtracting(self) }

    /// The one that a scalar is in.
    init(of scalar: Unicode.Scalar) {
        let bit: UInt32 =
            switch scalar.properties.generalCategory {
            case .uppercaseLetter: 0
            case .lowercaseLetter: 1
            case .titlecaseLetter: 2
            case .modifierLetter: 3
            case .otherLetter: 4
            case .nonspacingMark: 5
            case .spacingMark: 6
            case .enclosingMark: 7
            case .decimalNumber: 8
            case .letterNumber: 9
            case .otherNumber: 10
            case .connectorPunctuation: 11
            case .dashPunctuation: 12
            case .openPunctuation: 13
            case .closePunctuation: 14
            case .initialPunctuation: 15
            case .finalPunctuation: 16
            case .otherPunctuation: 17
            case .mathSymbol: 18
            case .currencySymbol: 19
            case .modifierSymbol: 20
            case .otherSymbol: 21
            case .spaceSeparator: 22
            case .lineSeparator: 23
            case .paragraphSeparator: 24
            case .control: 25
            case .format: 26
            case .surrogate: 27
            case .privateUse: 28
            case .unassigned: 29
            @unknown default: 29
            }
        rawValue = 1 << bit
    }

    init(rawValue: UInt32) { self.rawValue = rawValue }

    private init(bits: ClosedRange<UInt32>) { rawValue = (1 << (bits.upperBound + 1)) - (1 << bits.lowerBound) }

    /// As `\p{…}` names it: a value of General_Category, long or short (ECMA-262 § 22.2.1, table 69).
    init?(named name: some StringProtocol) {
        let prefixes = ["General_Category=", "gc="]
        let value = prefixes.first { name.hasPrefix($0) }.map { String(name.dropFirst($0.count)) } ?? String(name)
        guard let categories = Self.byName[value] else { return nil }
        self = categories
    }

    private static let byName: [String: CategorySet] = {
        let names: [(String, ClosedRange<UInt32>)] = [
            ("Lu Uppercase_Letter", 0...0), ("Ll Lowercase_Letter", 1...1), ("Lt Titlecase_Letter", 2...2),
            ("LC Cased_Letter", 0...2), ("Lm Modifier_Letter", 3...3), ("Lo Other_Letter", 4...4),
            ("L Letter", 0...4), ("Mn Nonspacing_Mark", 5...5), ("Mc Spacing_Mark", 6...6),
            ("Me Enclosing_Mark", 7...7), ("M Mark Combining_Mark", 5...7), ("Nd Decimal_Number digit", 8...8),
            ("Nl Letter_Number", 9...9), ("No Other_Number", 10...10), ("N Number", 8...10),
            ("Pc Connector_Punctuation", 11...11), ("Pd Dash_Punctuation", 12...12), ("Ps Open_Punctuation", 13...13),
            ("Pe Close_Punctuation", 14...14), ("Pi Initial_Punctuation", 15...15), ("Pf Final_Punctuation", 16...16),
            ("Po Other_Punctuation", 17...17), ("P Punctuation punct", 11...17), ("Sm Math_Symbol", 18...18),
            ("Sc Currency_Symbol", 19...19), ("Sk Modifier_Symbol", 20...20), ("So Other_Symbol", 21...21),
            ("S Symbol", 18...21), ("Zs Space_Separator", 22...22), ("Zl Line_Separator", 23...23),
            ("Zp Paragraph_Separator", 24...24), ("Z Separator", 22...24), ("Cc Control cntrl", 25...25),
            ("Cf Format", 26...26), ("Cs Surrogate", 27...27), ("Co Private_Use", 28...28), ("Cn Unassigned", 29...29),
            ("C Other", 25...29),
        ]
        var table: [String: CategorySet] = [:]
        for (aliases, bits) in names {
            for name in aliases.split(separator: " ") { table[String(name)] = CategorySet(bits: bits) }
        }
        return table
    }()
}
