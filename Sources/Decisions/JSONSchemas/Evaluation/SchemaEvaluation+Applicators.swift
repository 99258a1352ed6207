import ConfigValues

/// Rules that ask other subschemas. Each is called again with the answer to what it asked last.
extension SchemaEvaluation {
    mutating func next(_ rule: SchemaRule, _ top: Int, _ answer: Bool?) throws(SchemaStop) -> Move {
        switch rule.test {
        case .reference(let node):
            guard let answer else { return .apply(same(node, .ref, top)) }
            return .decided(answer)
        case .dynamicReference(let node, let anchor):
            guard let answer else { return .apply(same(try target(of: node, anchor, rule, top), .dynamicRef, top)) }
            return .decided(answer)
        case .all(let nodes): return all(nodes, top, answer)
        case .any(let nodes), .one(let nodes): return some(of: nodes, rule, top, answer)
        case .not(let node):
            guard let answer else { return .apply(same(node, .not, top, isQuiet: true, isEvaluation: false)) }
            if answer, !frames[top].application.isQuiet { report(rule) }
            return .decided(!answer)
        case .condition(let condition, let then, let otherwise):
            return self.condition(condition, then, otherwise, top, answer)
        case .dependent(let rules): return dependent(rules, top, answer)
        case .mapMembers(let rules): return try members(rules, top, answer)
        case .names(let node): return names(node, top, answer)
        case .listItems(let prefix, let rest): return try items(prefix, rest, top, answer)
        case .contains(let node, let bounds): return contains(node, bounds, rule, top, answer)
        case .unevaluatedMembers(let node): return unevaluated(node, rule, top, answer)
        case .unevaluatedItems(let node): return unevaluated(node, rule, top, answer)
        default: return .decided(true)
        }
    }

    private func same(
        _ node: Int, _ keyword: SchemaKeyword, _ top: Int, isQuiet: Bool = false, isEvaluation: Bool = true
    ) -> SchemaApplication {
        let application = frames[top].application
        return SchemaApplication(
            node: node, value: application.value, way: .same, keyword: keyword, isQuiet: isQuiet || application.isQuiet,
            isEvaluation: isEvaluation)
    }

    /// The outermost schema that has the anchor says where it leads (core, § 8.2.3.2).
    private mutating func target(of node: Int, _ anchor: Int, _ rule: SchemaRule, _ top: Int) throws(SchemaStop) -> Int
    {
        try charge(frames.count)
        var target = node
        for frame in frames {
            let resource = program.nodes[frame.application.node].resource
            guard let found = program.dynamicAnchors[resource][anchor] else { continue }
            target = found
            break
        }
        // What leads back without it was found when the schema was compiled.
        for frame in frames[...top].reversed() {
            guard frame.application.node != target else { throw .loop(rule.position) }
            guard frame.application.way.isSame else { break }
        }
        return target
    }

    /// - Returns: Whether the rule is decided by the answer, since no mistake is told.
    private mutating func take(_ answer: Bool?, _ top: Int) -> Bool {
        guard answer == false else { return false }
        frames[top].progress.holds = false
        return frames[top].application.isQuiet || mistakes.count >= limits.mistakeCount
    }

    private mutating func all(_ nodes: [Int], _ top: Int, _ answer: Bool?) -> Move {
        if take(answer, top) { return .decided(false) }
        let next = frames[top].progress.next
        guard next < nodes.count else { return .decided(frames[top].progress.holds) }
        frames[top].progress.next += 1
        return .apply(same(nodes[next], .allOf, top))
    }

    /// `anyOf` and `oneOf`. If none holds and only one is for such values at all, it says what is wrong.
    private mutating func some(of nodes: [Int], _ rule: SchemaRule, _ top: Int, _ answer: Bool?) -> Move {
        let isOne = rule.keyword == .oneOf
        if frames[top].progress.stage == 1 { return .decided(false) }
        if answer == true { frames[top].progress.count += 1 }
        let count = frames[top].progress.count
        if isOne, count > 1, frames[top].application.isQuiet { return .decided(false) }
        if !isOne, count > 0, !frames[top].marks { return .decided(true) }
        let next = frames[top].progress.next
        if next < nodes.count {
            frames[top].progress.next += 1
            return .apply(same(nodes[next], rule.keyword, top, isQuiet: true))
        }
        guard isOne ? count != 1 : count == 0 else { return .decided(true) }
        guard !frames[top].application.isQuiet else { return .decided(false) }
        if count == 0, let node = onlyFitting(nodes, frames[top].application.value) {
            frames[top].progress.stage = 1
            return .apply(same(node, rule.keyword, top))
        }
        report(rule)
        return .decided(false)
    }

    private mutating func condition(
        _ condition: Int, _ then: Int?, _ otherwise: Int?, _ top: Int, _ answer: Bool?
    ) -> Move {
        guard let answer else { return .apply(same(condition, .if, top, isQuiet: true)) }
        guard frames[top].progress.stage == 0 else { return .decided(answer) }
        frames[top].progress.stage = 1
        guard let node = answer ? then : otherwise else { return .decided(true) }
        return .apply(same(node, answer ? .then : .else, top))
    }

    private mutating func dependent(_ rules: [SchemaTest.Dependent], _ top: Int, _ answer: Bool?) -> Move {
        guard case .map(let map) = frames[top].application.value.content else { return .decided(true) }
        if take(answer, top) { return .decided(false) }
        while frames[top].progress.next < rules.count {
            let rule = rules[frames[top].progress.next]
            frames[top].progress.next += 1
            if map.index(of: rule.key) != nil { return .apply(same(rule.node, .dependentSchemas, top)) }
        }
        return .decided(frames[top].progress.holds)
    }
}

/// Rules about what is in a map or list.
extension SchemaEvaluation {
    private func member(_ node: Int, _ index: Int, of map: ConfigMap, _ keyword: SchemaKeyword, _ top: Int) -> Move {
        .apply(
            SchemaApplication(
                node: node, value: map.entries[index].value, way: .member(index), keyword: keyword,
                isQuiet: frames[top].application.isQuiet))
    }

    private func item(
        _ node: Int, _ index: Int, of list: [ConfigValue], _ keyword: SchemaKeyword, _ top: Int, isQuiet: Bool = false
    ) -> Move {
        .apply(
            SchemaApplication(
                node: node, value: list[index], way: .item(index), keyword: keyword,
                isQuiet: isQuiet || frames[top].application.isQuiet))
    }

    /// Most of what a config has in it needs no frame.
    /// - Returns: `nil`: it holds, and the rule goes on.
    private mutating func visitMember(
        _ node: Int, _ index: Int, of map: ConfigMap, _ keyword: SchemaKeyword, _ top: Int
    ) throws(SchemaStop) -> Move? {
        guard frames[top].application.isQuiet, program.nodes[node].isLeaf else {
            return member(node, index, of: map, keyword, top)
        }
        return try holdsQuietly(node, map.entries[index].value) ? nil : .decided(false)
    }

    /// Both the map's keys and the schema's are in order, so that one is looked for from where the one before was found. Stage 0 is
    /// `properties`, the next ones are the patterns.
    private mutating func members(
        _ rules: SchemaTest.MemberRules, _ top: Int, _ answer: Bool?
    ) throws(SchemaStop) -> Move {
        guard case .map(let map) = frames[top].application.value.content else { return .decided(true) }
        if take(answer, top) { return .decided(false) }
        var progress = frames[top].progress
        defer { frames[top].progress = progress }
        while progress.next < map.count {
            let index = progress.next
            let key = map.entries[index].key
            if progress.stage == 0 {
                try charge(1)
                progress.stage = 1
                progress.count = rules.names.firstIndex(notBefore: key, from: progress.count)
                if progress.count < rules.names.count, rules.names[progress.count].hasSameBytes(as: key) {
                    progress.isFound = true
                    mark(index, in: top)
                    let node = rules.nodes[progress.count]
                    if let move = try visitMember(node, index, of: map, .properties, top) { return move }
                }
            }
            while progress.stage <= rules.patterns.count {
                let pattern = rules.patterns[progress.stage - 1]
                progress.stage += 1
                guard try matches(pattern.matcher, key) else { continue }
                progress.isFound = true
                mark(index, in: top)
                if let move = try visitMember(pattern.node, index, of: map, .patternProperties, top) { return move }
            }
            let isFound = progress.isFound
            (progress.next, progress.stage, progress.isFound) = (index + 1, 0, false)
            if !isFound, let node = rules.others {
                mark(index, in: top)
                if let move = try visitMember(node, index, of: map, .additionalProperties, top) { return move }
            }
        }
        return .decided(progress.holds)
    }

    private mutating func names(_ node: Int, _ top: Int, _ answer: Bool?) -> Move {
        guard case .map(let map) = frames[top].application.value.content else { return .decided(true) }
        if take(answer, top) { return .decided(false) }
        let next = frames[top].progress.next
        guard next < map.count else { return .decided(frames[top].progress.holds) }
        frames[top].progress.next += 1
        let entry = map.entries[next]
        let origin = ValueOrigin(layer: entry.value.origin.layer, position: entry.position)
        return .apply(
            SchemaApplication(
                node: node, value: ConfigValue(.string(entry.key), origin: origin), way: .name(next),
                keyword: .propertyNames, isQuiet: frames[top].application.isQuiet))
    }

    private mutating func items(
        _ prefix: [Int], _ rest: Int?, _ top: Int, _ answer: Bool?
    ) throws(SchemaStop) -> Move {
        guard case .list(let list) = frames[top].application.value.content else { return .decided(true) }
        if take(answer, top) { return .decided(false) }
        while frames[top].progress.next < list.count {
            let next = frames[top].progress.next
            guard let node = next < prefix.count ? prefix[next] : rest else { break }
            frames[top].progress.next += 1
            mark(next, in: top)
            guard frames[top].application.isQuiet, program.nodes[node].isLeaf else {
                return item(node, next, of: list, next < prefix.count ? .prefixItems : .items, top)
            }
            guard try holdsQuietly(node, list[next]) else { return .decided(false) }
        }
        return .decided(frames[top].progress.holds)
    }

    private mutating func contains(
        _ node: Int, _ bounds: SchemaTest.Bounds, _ rule: SchemaRule, _ top: Int, _ answer: Bool?
    ) -> Move {
        guard case .list(let list) = frames[top].application.value.content else { return .decided(true) }
        let next = frames[top].progress.next
        if answer == true {
            frames[top].progress.count += 1
            mark(next - 1, in: top)
        }
        let count = frames[top].progress.count
        let isSure = !frames[top].marks && (bounds.maximum.map { count > $0 } ?? (count >= bounds.minimum))
        guard next < list.count, !isSure else {
            let holds = bounds.contain(count)
            if !holds, !frames[top].application.isQuiet { report(rule) }
            return .decided(holds)
        }
        frames[top].progress.next += 1
        return item(node, next, of: list, .contains, top, isQuiet: true)
    }

    /// What no other rule has marked.
    private mutating func unevaluated(_ node: Int, _ rule: SchemaRule, _ top: Int, _ answer: Bool?) -> Move {
        if take(answer, top) { return .decided(false) }
        let value = frames[top].application.value
        while frames[top].progress.next < value.memberCount {
            let next = frames[top].progress.next
            frames[top].progress.next += 1
            switch (rule.test, value.content) {
            case (.unevaluatedMembers, .map(let map)) where !isMarked(next, in: top):
                mark(next, in: top)
                return member(node, next, of: map, .unevaluatedProperties, top)
            case (.unevaluatedItems, .list(let list)) where !isMarked(next, in: top):
                mark(next, in: top)
                return item(node, next, of: list, .unevaluatedItems, top)
            case (.unevaluatedMembers, .list), (.unevaluatedItems, .map): return .decided(true)
            default: break
            }
        }
        return .decided(frames[top].progress.holds)
    }
}
