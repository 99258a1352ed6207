import Diagnostics
import YAMLSyntax

/// Readings of scalars. Nothing is converted silently: a quoted number is no number, and a bare `1.0` is no string.
enum Scalar {
    /// Text of 1 to 4,096 bytes.
    static func text(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = possiblyEmptyText(node, &problems) else { return nil }
        guard !text.isEmpty else {
            problems.report(.invalidValue, node, expected: "text", remedy: "write the text between the quotation marks")
            return nil
        }
        return text
    }

    /// Text of 0 to 4,096 bytes.
    static func possiblyEmptyText(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard case .scalar(let scalar) = node.content else {
            problems.report(.wrongType, node, expected: "a string", remedy: "write a single value here")
            return nil
        }
        switch scalar.kind {
        case .string:
            guard scalar.text.utf8.count <= 4096 else {
                problems.report(
                    .outOfRange, at: node.position, found: "a text of \(scalar.text.utf8.count) bytes",
                    expected: "at most 4096 bytes", remedy: "shorten it")
                return nil
            }
            guard !scalar.text.utf8.contains(0) else {
                problems.report(.invalidValue, node, expected: "text without NUL", remedy: "remove \"\\0\"")
                return nil
            }
            return scalar.text
        case .number, .boolean:
            problems.report(
                .wrongType, node, expected: "a string", remedy: "put it in quotation marks: \"\(scalar.text)\"")
            return nil
        case .null:
            problems.report(.wrongType, node, expected: "a string", remedy: "write a value here")
            return nil
        }
    }

    static func boolean(_ node: YAMLNode, _ problems: inout Problems) -> Bool? {
        if case .scalar(let scalar) = node.content, case .boolean(let value) = scalar.kind { return value }
        problems.report(
            .wrongType, node, expected: "true or false", remedy: "write true or false, without quotation marks")
        return nil
    }

    /// A whole number in decimal digits, without quotation marks, leading zeros, fraction or exponent.
    /// - Parameter unit: what is counted, for messages: `bytes`.
    static func integer(in range: ClosedRange<Int>, _ unit: String) -> Reading<Int> {
        { node, problems in integer(node, range, unit, &problems) }
    }

    private static func integer(
        _ node: YAMLNode, _ range: ClosedRange<Int>, _ unit: String, _ problems: inout Problems
    ) -> Int? {
        let expected =
            "a whole number\(unit.isEmpty ? "" : " of \(unit)") from \(range.lowerBound) to \(range.upperBound)"
        guard case .scalar(let scalar) = node.content else {
            problems.report(.wrongType, node, expected: expected, remedy: "write a single number here")
            return nil
        }
        let digits = scalar.text.utf8.first == UInt8(ascii: "-") ? scalar.text.utf8.dropFirst() : scalar.text.utf8[...]
        let isDecimal = !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        guard scalar.isPlain, isDecimal else {
            problems.report(
                .wrongType, node, expected: expected,
                remedy: isDecimal ? "remove the quotation marks: \(scalar.text)" : "write it in decimal digits")
            return nil
        }
        guard digits.count == 1 || digits.first != UInt8(ascii: "0") else {
            problems.report(
                .invalidValue, node, expected: "\(expected), without leading zeros",
                remedy: "remove the leading zeros: some tools would read the number as octal")
            return nil
        }
        guard let value = Int(scalar.text), range.contains(value) else {
            problems.report(
                .outOfRange, node, expected: expected,
                remedy: "choose a number from \(range.lowerBound) to \(range.upperBound)")
            return nil
        }
        return value
    }

    /// 1 to 65,535.
    static func port(_ node: YAMLNode, _ problems: inout Problems) -> UInt16? {
        integer(node, 1...65_535, "a port", &problems).map(UInt16.init)
    }

    /// One of the names of an enumeration.
    /// - Parameters:
    ///   - unavailable: names that the specification has and this version does not, and what to do instead. Never
    ///   simply another name: what one of them would let in, the other may not.
    ///   - elsewhere: what is said in another field, in lower case, and how.
    static func choice<Value: RawRepresentable<String> & CaseIterable>(
        of _: Value.Type, unavailable: [String: String] = [:], elsewhere: [String: String] = [:]
    ) -> Reading<Value> {
        { node, problems in
            let names = Value.allCases.map(\.rawValue)
            let list = names.map { "\"\($0)\"" }.joined(separator: names.count == 2 ? " or " : ", ")
            let expected = names.count > 2 ? "one of \(list)" : list
            // `true` in quotation marks would be none of them either.
            if case .scalar(let scalar) = node.content, !names.contains(scalar.text), scalar.kind != .string,
                scalar.kind != .null
            {
                problems.report(.wrongType, node, expected: expected, remedy: "change it to \(expected)")
                return nil
            }
            guard let text = text(node, &problems) else { return nil }
            if let value = Value(rawValue: text) { return value }
            if let remedy = unavailable[text] {
                problems.reportUnavailable("\"\(text)\"", at: node.position, remedy: remedy)
            } else {
                problems.report(
                    .invalidValue, node, expected: expected,
                    remedy: NearestName(to: text, among: names)?.remedy ?? elsewhere[text.lowercased()]
                        ?? "change it to \(expected)")
            }
            return nil
        }
    }
}
