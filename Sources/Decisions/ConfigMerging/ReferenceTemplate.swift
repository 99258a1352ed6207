import ConfigValues
import Diagnostics

/// A text with references in it, read once: `postgres://${database.host}:${database.port}/orders`.
struct ReferenceTemplate: Sendable {
    enum Part: Sendable {
        case text(String)
        case reference(ConfigPath)
    }

    let parts: [Part]

    var targets: [ConfigPath] {
        parts.compactMap { if case .reference(let path) = $0 { path } else { nil } }
    }

    var referenceCount: Int {
        parts.count { if case .reference = $0 { true } else { false } }
    }

    /// What the text takes the place of altogether, whatever its type.
    var whole: ConfigPath? {
        if parts.count == 1, case .reference(let path) = parts[0] { path } else { nil }
    }

    /// Why a text cannot be read.
    struct Mistake: Error {
        let found: String
        let expected: String
        let remedy: String
    }

    /// Whether there is anything to read: most texts are what they are.
    static func isTemplate(_ text: String) -> Bool {
        let bytes = text.utf8Span.span
        guard bytes.count > 1 else { return false }
        for index in 0..<(bytes.count - 1)
        where bytes[index] == UInt8(ascii: "$") && bytes[index + 1] == UInt8(ascii: "{") {
            return true
        }
        return false
    }

    /// Whether it is one reference and nothing else.
    static func isWhole(_ text: String) -> Bool {
        guard text.utf8.first == UInt8(ascii: "$"), text.utf8.last == UInt8(ascii: "}"), isTemplate(text) else {
            return false
        }
        return (try? ReferenceTemplate(text))?.whole != nil
    }

    init(_ text: String) throws(Mistake) {
        let bytes = Array(text.utf8)
        var parts: [Part] = []
        var plain: [UInt8] = []
        var rest = bytes[...]
        while let first = rest.first {
            if rest.starts(with: "$${".utf8) {
                plain += "${".utf8
                rest = rest.dropFirst(3)
            } else if rest.starts(with: "${".utf8) {
                if !plain.isEmpty { parts.append(.text(String(decoding: plain, as: UTF8.self))) }
                plain = []
                parts.append(.reference(try Self.path(from: &rest)))
            } else {
                plain.append(first)
                rest = rest.dropFirst()
            }
        }
        if !plain.isEmpty { parts.append(.text(String(decoding: plain, as: UTF8.self))) }
        self.parts = parts
    }

    /// - Parameter rest: Begins with `${`.
    private static func path(from rest: inout ArraySlice<UInt8>) throws(Mistake) -> ConfigPath {
        var end = rest.startIndex + 2
        var isQuoted = false
        while end < rest.endIndex, isQuoted || rest[end] != UInt8(ascii: "}") {
            if rest[end] == UInt8(ascii: "\"") { isQuoted.toggle() }
            if isQuoted, rest[end] == UInt8(ascii: "\\") { end += 1 }
            end += 1
        }
        guard end < rest.endIndex else {
            throw Mistake(
                found: "\"${\" without an end", expected: "\"}\" after the path",
                remedy: "close the reference; or write \"$${\" where the text itself is meant")
        }
        let text = String(decoding: rest[(rest.startIndex + 2)..<end], as: UTF8.self)
        rest = rest[(end + 1)...]
        do throws(ConfigPathError) {
            return try ConfigPath(dotted: text)
        } catch {
            throw Mistake(
                found: "\(error.found) in the reference \(Diagnostic.quoted("${" + text + "}"))",
                expected: error.expected,
                remedy: "\(error.remedy); or write \"$${\" where the text itself is meant")
        }
    }
}
