import Diagnostics
import YAMLSyntax

/// A user of a host, by name or number.
package enum UserReference: Hashable, Sendable {
    case name(Located<String>)
    case number(UInt32)

    /// Its name, if it is one.
    package var name: Located<String>? {
        guard case .name(let name) = self else { return nil }
        return name
    }
}

extension UserReference {
    /// A number is written as one: `1001`, and not `"1001"`.
    static func decode(_ node: YAMLNode, _ problems: inout Problems) -> UserReference? {
        if case .scalar(let scalar) = node.content, scalar.kind == .number {
            return Scalar.accountNumber(node, &problems).map(UserReference.number)
        }
        return located(Scalar.accountName(or: nil))(node, &problems).map(UserReference.name)
    }
}

extension UserReference {
    var json: JSONValue {
        switch self {
        case .name(let name): .string(name.value)
        case .number(let number): .integer(Int(number))
        }
    }
}
