/// Finds subschemas that are applied to a value by being applied to it: whatever the value is, that has no end. Dynamic references
/// are looked at when they are followed.
enum SchemaLoops {
    private enum State { case unseen, entered, left }

    /// - Returns: A node of each loop.
    static func find(in nodes: [SchemaNode]) -> [Int] {
        let next = nodes.map { $0.rules.flatMap(\.test.nodesOfSameValue) }
        var states = [State](repeating: .unseen, count: nodes.count)
        var loops: [Int] = []
        for start in nodes.indices where states[start] == .unseen {
            var way = [(node: start, index: 0)]
            states[start] = .entered
            while let (node, index) = way.last {
                guard index < next[node].count else {
                    states[node] = .left
                    way.removeLast()
                    continue
                }
                way[way.count - 1].index += 1
                let target = next[node][index]
                switch states[target] {
                case .unseen:
                    states[target] = .entered
                    way.append((target, 0))
                case .entered: loops.append(target)
                case .left: break
                }
            }
        }
        return loops
    }
}
