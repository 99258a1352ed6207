import Diagnostics
import YAMLSyntax

extension Scalar {
    /// A unit that processes run in.
    static func systemdUnit(_ node: YAMLNode, _ problems: inout Problems) -> String? {
        guard let text = text(node, &problems) else { return nil }
        let isNamed = text.utf8.count <= 255 && text.utf8.allSatisfy(unitMayHave)
        let name = text.split(separator: ".", omittingEmptySubsequences: false)
        guard isNamed, name.count > 1, let type = name.last, ["service", "scope"].contains(type),
            text.utf8.count > type.utf8.count + 1, !text.hasPrefix("@"), !text.contains("@.")
        else {
            problems.report(
                .invalidValue, node,
                expected: "the name of a systemd unit that processes run in: NAME.service or NAME.scope",
                remedy: text.contains("@.")
                    ? "name an instance: \"\(text.replacing("@.", with: "@NAME."))\""
                    : text.contains(".") || !isNamed
                        ? "write it as systemctl lists it" : "change it to \"\(text).service\"")
            return nil
        }
        return text
    }

    /// systemd.unit(5): ASCII letters, digits, `:`, `-`, `_`, `.`, `\`, and `@` before an instance.
    private static func unitMayHave(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: ":-_.\\@".utf8.contains(byte)
        }
    }
}
