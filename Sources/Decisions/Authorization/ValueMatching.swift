import CommonValues

/// Whether a value is in a set. Nothing here allocates.
extension AuthorizationProgram {
    func strings(_ index: Int32, contain value: Span<UInt8>) -> Bool {
        contains(stringSets[Int(index)], value)
    }

    /// - Parameter known: bit of the method in `StringSet.knownMethods`; 0 for one that has none.
    func methods(_ index: Int32, contain value: Span<UInt8>, known: UInt16) -> Bool {
        let set = stringSets[Int(index)]
        if set.knownMethods & known != 0 { return true }
        // Most fields list common methods and nothing else; a common method that is not among them is then not in the set.
        if known != 0, !set.matchesPresent, set.prefixes.isEmpty, set.suffixes.isEmpty { return false }
        return contains(set, value)
    }

    func paths(_ index: Int32, contain value: Span<UInt8>) -> Bool {
        let set = stringSets[Int(index)]
        if contains(set, value) { return true }
        for template in set.templates.indices where matches(templates[template], value) { return true }
        return false
    }

    func addresses(_ index: Int32, contain value: IPAddress) -> Bool {
        let address = UInt128(value.high) << 64 | UInt128(value.low)
        let ranges = addressSets[Int(index)].indices
        var low = ranges.lowerBound
        var high = ranges.upperBound
        while low < high {
            let middle = (low &+ high) >> 1
            if addressRanges[middle].last < address { low = middle &+ 1 } else { high = middle }
        }
        return low < ranges.upperBound && addressRanges[low].first <= address
    }

    func ports(_ index: Int32, contain value: UInt16) -> Bool {
        let ports = portSets[Int(index)].indices
        var low = ports.lowerBound
        var high = ports.upperBound
        while low < high {
            let middle = (low &+ high) >> 1
            if portValues[middle] < value { low = middle &+ 1 } else { high = middle }
        }
        return low < ports.upperBound && portValues[low] == value
    }

    private func contains(_ set: StringSet, _ value: Span<UInt8>) -> Bool {
        if set.matchesPresent, !value.isEmpty { return true }
        if !set.exact.isEmpty, containsExactly(set.exact, value) { return true }
        if !set.prefixes.isEmpty, containsPrefix(set.prefixes, of: value) { return true }
        return !set.suffixes.isEmpty && containsSuffix(set.suffixes, of: value)
    }

    private func containsExactly(_ patterns: TableRange, _ value: Span<UInt8>) -> Bool {
        if patterns.count == 1 { return equals(self.patterns[Int(patterns.start)], value, at: 0, count: value.count) }
        var low = patterns.indices.lowerBound
        var high = patterns.indices.upperBound
        while low < high {
            let middle = (low &+ high) >> 1
            let order = compare(self.patterns[middle], value)
            if order == 0 { return true }
            if order < 0 { low = middle &+ 1 } else { high = middle }
        }
        return false
    }

    private func containsPrefix(_ patterns: TableRange, of value: Span<UInt8>) -> Bool {
        var low = patterns.indices.lowerBound
        var high = patterns.indices.upperBound
        while low < high {
            let middle = (low &+ high) >> 1
            if compare(self.patterns[middle], value) <= 0 { low = middle &+ 1 } else { high = middle }
        }
        guard low > patterns.indices.lowerBound else { return false }
        let candidate = self.patterns[low &- 1]
        return candidate.count <= value.count && equals(candidate, value, at: 0, count: Int(candidate.count))
    }

    private func containsSuffix(_ patterns: TableRange, of value: Span<UInt8>) -> Bool {
        var low = patterns.indices.lowerBound
        var high = patterns.indices.upperBound
        while low < high {
            let middle = (low &+ high) >> 1
            if compareReversed(self.patterns[middle], value) <= 0 { low = middle &+ 1 } else { high = middle }
        }
        guard low > patterns.indices.lowerBound else { return false }
        let candidate = self.patterns[low &- 1]
        let start = value.count - Int(candidate.count)
        return start >= 0 && equals(candidate, value, at: start, count: Int(candidate.count))
    }

    /// Segment by segment: `{*}` is one that is not empty; what a final `{**}` is depends on the rule.
    private func matches(_ template: PathTemplate, _ path: Span<UInt8>) -> Bool {
        guard !path.isEmpty, path[0] == UInt8(ascii: "/") else { return false }
        var position = 0
        for index in template.segments.indices {
            guard position < path.count else { return false }
            let start = position + 1
            var end = start
            while end < path.count, path[end] != UInt8(ascii: "/") { end &+= 1 }
            if let literal = segments[index].literal {
                guard equals(literal, path, at: start, count: end - start) else { return false }
            } else {
                guard end > start else { return false }
            }
            position = end
        }
        return switch template.rest {
        case .nothing: position == path.count
        // Of `/{**}` it is the first slash, which every path has.
        case .slash: position < path.count
        case .anything: true
        }
    }

    /// Whether `count` bytes of `value` from `start` on are those of `text`.
    private func equals(_ text: TableRange, _ value: Span<UInt8>, at start: Int, count: Int) -> Bool {
        guard Int(text.count) == count else { return false }
        let offset = Int(text.start)
        for index in 0..<count where bytes[offset &+ index] != value[start &+ index] { return false }
        return true
    }

    /// Below 0: `text` stands before `value` in byte order; 0: they are equal.
    private func compare(_ text: TableRange, _ value: Span<UInt8>) -> Int {
        let start = Int(text.start)
        let count = min(Int(text.count), value.count)
        for index in 0..<count where bytes[start &+ index] != value[index] {
            return Int(bytes[start &+ index]) - Int(value[index])
        }
        return Int(text.count) - value.count
    }

    /// As `compare`, from the last byte to the first.
    private func compareReversed(_ text: TableRange, _ value: Span<UInt8>) -> Int {
        let last = Int(text.start) + Int(text.count) - 1
        let count = min(Int(text.count), value.count)
        for index in 0..<count where bytes[last &- index] != value[value.count &- 1 &- index] {
            return Int(bytes[last &- index]) - Int(value[value.count &- 1 &- index])
        }
        return Int(text.count) - value.count
    }
}
