/// Members of an object in the making: what is empty or absent is left out.
package struct JSONMembers {
    private var members: [(key: String, value: JSONValue)] = []

    package init() {}

    package mutating func add(_ name: String, _ value: JSONValue?) {
        switch value {
        case nil: break
        case .array(let items)? where items.isEmpty: break
        case .object(let members)? where members.isEmpty: break
        case .some(let value): members.append((name, value))
        }
    }

    /// A list that is there even if it is empty.
    package mutating func addList(_ name: String, _ items: [JSONValue]) { members.append((name, .array(items))) }

    /// A mapping that is there even if it is empty.
    package mutating func addMapping(_ name: String, _ mapping: JSONValue) { members.append((name, mapping)) }

    /// A mapping whose being there says all.
    package mutating func addEmptyMapping(_ name: String) { addMapping(name, .object([])) }

    package mutating func add(_ name: String, _ text: String?) { add(name, text.map(JSONValue.string)) }
    package mutating func add(_ name: String, _ texts: [String]) { add(name, .array(texts.map(JSONValue.string))) }

    package var json: JSONValue { .object(members) }
}

extension SourcePosition {
    package var json: JSONValue { ["file": .string(file), "line": .integer(line), "column": .integer(column)] }
}
