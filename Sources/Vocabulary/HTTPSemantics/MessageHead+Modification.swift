/// Changes of fields by names that manifests chose: in lower case, with their interned form found beforehand.
extension MessageHead {
    /// Adds a field after those there are.
    package mutating func addField(
        name: Span<UInt8>, known: KnownField, value: Span<UInt8>, isNeverIndexed: Bool = false
    ) {
        addLine(name: name, value: value, known: known)
        if isNeverIndexed { fields[fields.count - 1].isNeverIndexed = true }
    }

    /// Gives the first field of this name the value and drops the others; adds one if there is none.
    package mutating func setField(name: Span<UInt8>, known: KnownField, value: Span<UInt8>) {
        guard let first = firstField(name: name, known: known, from: 0) else {
            addField(name: name, known: known, value: value)
            return
        }
        fields[first].value = append(value)
        removeFields(name: name, known: known, from: first + 1)
    }

    package mutating func removeField(name: Span<UInt8>, known: KnownField) {
        removeFields(name: name, known: known, from: 0)
        names &= ~known.bit
    }

    /// Where the first field of this name stands in `fields`, at `start` or after it.
    package func firstField(name: Span<UInt8>, known: KnownField, from start: Int) -> Int? {
        var index = start
        while index < fields.count {
            if isField(index, name: name, known: known) { return index }
            index += 1
        }
        return nil
    }

    /// Where the first field of a name that is no known one has its value.
    /// - Parameter name: In lower case.
    package func value(named name: Span<UInt8>) -> ByteRange? {
        guard let index = firstField(name: name, known: .other, from: 0) else { return nil }
        return fields[index].value
    }

    private func isField(_ index: Int, name: Span<UInt8>, known: KnownField) -> Bool {
        guard fields[index].known == known else { return false }
        guard known == .other else { return true }
        return ASCII.equal(bytes(fields[index].name), name)
    }

    private mutating func removeFields(name: Span<UInt8>, known: KnownField, from start: Int) {
        guard var kept = firstField(name: name, known: known, from: start) else { return }
        for index in (kept + 1)..<fields.count where !isField(index, name: name, known: known) {
            fields[kept] = fields[index]
            kept += 1
        }
        fields.removeLast(fields.count - kept)
    }
}
