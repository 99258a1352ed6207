import Diagnostics

/// What makes one value another (RFC 6902). Of its six operations those three that a difference needs.
package struct JSONPatch: Sendable, Hashable {
    package enum Operation: Sendable, Hashable {
        /// In a list what stands there, and what follows, moves on by one.
        case add(ConfigPath, ConfigValue)
        case remove(ConfigPath)
        case replace(ConfigPath, ConfigValue)
    }

    package var operations: [Operation]

    package init(_ operations: [Operation]) { self.operations = operations }

    package var isEmpty: Bool { operations.isEmpty }

    /// - Parameter value: What `value` of this type says; anything else is none.
    package init?(_ value: ConfigValue) {
        guard let items = value.list else { return nil }
        operations = []
        for item in items {
            guard case .string(let name)? = item.map?["op"]?.content,
                case .string(let pointer)? = item.map?["path"]?.content,
                let path = ConfigPath(pointer: pointer)
            else { return nil }
            switch (name, item.map?["value"]) {
            case ("add", let value?): operations.append(.add(path, value))
            case ("replace", let value?): operations.append(.replace(path, value))
            case ("remove", _): operations.append(.remove(path))
            default: return nil
            }
        }
    }

    /// As JSON on one line: `[{"op":"replace","path":"/a","value":1}]`.
    package func writeJSON(into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "["))
        for (index, operation) in operations.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            switch operation {
            case .add(let path, let value): Self.write("add", path, value, into: &bytes)
            case .remove(let path): Self.write("remove", path, nil, into: &bytes)
            case .replace(let path, let value): Self.write("replace", path, value, into: &bytes)
            }
        }
        bytes.append(UInt8(ascii: "]"))
    }

    private static func write(_ name: String, _ path: ConfigPath, _ value: ConfigValue?, into bytes: inout [UInt8]) {
        bytes += "{\"op\":\"\(name)\",\"path\":".utf8
        JSONText.write(path.pointer, into: &bytes)
        if let value {
            bytes += ",\"value\":".utf8
            value.writeJSON(into: &bytes)
        }
        bytes.append(UInt8(ascii: "}"))
    }
}

// MARK: Difference

extension JSONPatch {
    /// What is the same stays. Lists have in common how they begin and how they end; what lies between is replaced item by item, and
    /// what one has more than the other is added or removed.
    package init(from old: ConfigValue, to new: ConfigValue) {
        operations = []
        compare(old, new, at: .root)
    }

    private mutating func compare(_ old: ConfigValue, _ new: ConfigValue, at path: ConfigPath) {
        switch (old.content, new.content) {
        case (.map(let old), .map(let new)): compare(old, new, at: path)
        case (.list(let old), .list(let new)): compare(old, new, at: path)
        default: if old != new { operations.append(.replace(path, new)) }
        }
    }

    private mutating func compare(_ old: ConfigMap, _ new: ConfigMap, at path: ConfigPath) {
        var (left, right) = (old.entries[...], new.entries[...])
        while let (before, after) = Self.firstOfBoth(left, right) {
            switch (before, after) {
            case (let before?, let after?):
                compare(before.value, after.value, at: path.appending(before.key))
                left.removeFirst()
                right.removeFirst()
            case (let before?, nil):
                operations.append(.remove(path.appending(before.key)))
                left.removeFirst()
            case (nil, let after?):
                operations.append(.add(path.appending(after.key), after.value))
                right.removeFirst()
            case (nil, nil): return
            }
        }
    }

    /// What is next by key, of each side that has it; `nil`: both are at their end.
    private static func firstOfBoth(
        _ left: ArraySlice<ConfigMap.Entry>, _ right: ArraySlice<ConfigMap.Entry>
    ) -> (ConfigMap.Entry?, ConfigMap.Entry?)? {
        switch (left.first, right.first) {
        case (nil, nil): nil
        case (let before?, let after?) where ConfigMap.isOrdered(before.key, after.key): (before, nil)
        case (let before?, let after?) where ConfigMap.isOrdered(after.key, before.key): (nil, after)
        case (let before, let after): (before, after)
        }
    }

    private mutating func compare(_ old: [ConfigValue], _ new: [ConfigValue], at path: ConfigPath) {
        let shorter = min(old.count, new.count)
        var start = 0
        while start < shorter, old[start] == new[start] { start += 1 }
        var end = 0
        while end < shorter - start, old[old.count - 1 - end] == new[new.count - 1 - end] { end += 1 }
        let middle = start..<(shorter - end)
        for index in middle { compare(old[index], new[index], at: path.appending(String(index))) }
        // From the last one: those before it keep their places.
        for index in (middle.upperBound..<max(middle.upperBound, old.count - end)).reversed() {
            operations.append(.remove(path.appending(String(index))))
        }
        for index in middle.upperBound..<max(middle.upperBound, new.count - end) {
            operations.append(.add(path.appending(String(index)), new[index]))
        }
    }
}

// MARK: Applying

extension JSONPatch {
    /// An operation whose path leads to nothing, or that takes the whole value away.
    package struct Misfit: Error, Hashable {
        package let operation: Operation
    }

    /// All operations, or none.
    package func applied(to value: ConfigValue) throws(Misfit) -> ConfigValue {
        var value = value
        for operation in operations {
            let isFit =
                switch operation {
                case .add(let path, let new): Self.add(new, at: path.keys[...], to: &value)
                case .remove(let path): Self.remove(at: path.keys[...], from: &value)
                case .replace(let path, let new): Self.replace(at: path.keys[...], in: &value, with: new)
                }
            guard isFit else { throw Misfit(operation: operation) }
        }
        return value
    }

    private static func add(_ new: ConfigValue, at keys: ArraySlice<String>, to value: inout ConfigValue) -> Bool {
        guard let key = keys.last else {
            value = new
            return true
        }
        return change(keys.dropLast(), in: &value) { parent in
            switch parent.content {
            case .map(var map):
                map[key] = new
                parent.content = .map(map)
                return true
            case .list(var list):
                guard let index = key == "-" ? list.count : ConfigPath.index(key), index <= list.count else {
                    return false
                }
                list.insert(new, at: index)
                parent.content = .list(list)
                return true
            default: return false
            }
        }
    }

    private static func remove(at keys: ArraySlice<String>, from value: inout ConfigValue) -> Bool {
        guard let key = keys.last else { return false }
        return change(keys.dropLast(), in: &value) { parent in
            switch parent.content {
            case .map(var map):
                guard map.index(of: key) != nil else { return false }
                map[key] = nil
                parent.content = .map(map)
                return true
            case .list(var list):
                guard let index = ConfigPath.index(key), index < list.count else { return false }
                list.remove(at: index)
                parent.content = .list(list)
                return true
            default: return false
            }
        }
    }

    private static func replace(
        at keys: ArraySlice<String>, in value: inout ConfigValue, with new: ConfigValue
    ) -> Bool {
        change(keys, in: &value) { value in
            value = new
            return true
        }
    }

    /// - Returns: Whether something stands there, and `change` was content with it.
    private static func change(
        _ keys: ArraySlice<String>, in value: inout ConfigValue, _ change: (inout ConfigValue) -> Bool
    ) -> Bool {
        guard let key = keys.first else { return change(&value) }
        switch value.content {
        case .map(var map):
            guard let index = map.index(of: key) else { return false }
            // Nobody else has what is changed meanwhile, so that it need not be copied.
            value.content = .null
            let isFit = map.change(at: index) { Self.change(keys.dropFirst(), in: &$0, change) }
            value.content = .map(map)
            return isFit
        case .list(var list):
            guard let index = ConfigPath.index(key), index < list.count else { return false }
            value.content = .null
            let isFit = Self.change(keys.dropFirst(), in: &list[index], change)
            value.content = .list(list)
            return isFit
        default: return false
        }
    }
}
