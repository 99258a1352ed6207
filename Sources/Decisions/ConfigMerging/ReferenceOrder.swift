import ConfigValues

/// In which order texts with references are resolved: each after those that it needs. Which those are follows from where they stand
/// and what they refer to alone.
struct ReferenceOrder: Sendable {
    /// Indices of places; without those that cannot be resolved.
    private(set) var order: [Int] = []
    /// Places that need themselves, each with all that it needs and that need it.
    private(set) var circles: [[Int]] = []

    /// Of each place what it needs: places by their index, then, from `places.count` on, ranges of places.
    private var needs: [[Int]]
    private var ranges: [Range<Int>] = []
    private let count: Int

    init(_ places: ReferencePlaces) {
        count = places.count
        needs = [[Int]](repeating: [], count: count)
        var known: [Range<Int>: Int] = [:]
        for index in 0..<places.count {
            for target in places[index].template.targets {
                let keys = target.keys[...]
                if let place = places.index(onTheWayTo: keys) {
                    needs[index].append(place)
                    continue
                }
                let range = places.range(below: keys)
                guard !range.isEmpty else { continue }
                // Those that refer to the same map share what it needs: else it would be listed for each of them.
                let node = known[range] ?? count + ranges.count
                if known.updateValue(node, forKey: range) == nil { ranges.append(range) }
                needs[index].append(node)
            }
        }
        findCircles()
    }

    private func needs(of node: Int) -> Int { node < count ? needs[node].count : ranges[node - count].count }

    private func need(_ index: Int, of node: Int) -> Int {
        node < count ? needs[node][index] : ranges[node - count].lowerBound + index
    }

    /// Tarjan's algorithm (1972), on a stack of its own: chains of references are as long as anyone likes. What is needed comes first.
    private mutating func findCircles() {
        let nodeCount = count + ranges.count
        var number = [Int](repeating: -1, count: nodeCount)
        var lowest = number
        var isOpen = [Bool](repeating: false, count: nodeCount)
        var open: [Int] = []
        var calls: [(node: Int, next: Int)] = []
        var next = 0
        for root in 0..<nodeCount where number[root] < 0 {
            calls.append((root, 0))
            while let (node, index) = calls.last {
                if index == 0 {
                    number[node] = next
                    lowest[node] = next
                    next += 1
                    open.append(node)
                    isOpen[node] = true
                }
                if index < needs(of: node) {
                    calls[calls.count - 1].next += 1
                    let other = need(index, of: node)
                    if number[other] < 0 {
                        calls.append((other, 0))
                    } else if isOpen[other] {
                        lowest[node] = min(lowest[node], number[other])
                    }
                    continue
                }
                calls.removeLast()
                if let caller = calls.last { lowest[caller.node] = min(lowest[caller.node], lowest[node]) }
                guard lowest[node] == number[node], let start = open.lastIndex(of: node) else { continue }
                close(Array(open[start...]), &isOpen)
                open.removeSubrange(start...)
            }
        }
        circles.sort { $0[0] < $1[0] }
    }

    private mutating func close(_ component: [Int], _ isOpen: inout [Bool]) {
        for node in component { isOpen[node] = false }
        let first = component[0]
        let isCircle = component.count > 1 || first < count && needs[first].contains(first)
        let places = component.filter { $0 < count }
        if isCircle { circles.append(places.sorted()) } else { order += places }
    }

    /// The shortest way from the first place of a circle back to it.
    func way(around circle: [Int]) -> [Int] {
        let start = circle[0]
        var from = [start: start]
        var reached = [start]
        var next = 0
        while next < reached.count {
            let node = reached[next]
            next += 1
            for index in 0..<needs(of: node) {
                let other = need(index, of: node)
                if other == start {
                    var way = [start, node]
                    while let before = way.last.flatMap({ from[$0] }), way.last != start { way.append(before) }
                    return way.reversed().filter { $0 < count }
                }
                guard from[other] == nil else { continue }
                from[other] = node
                reached.append(other)
            }
        }
        return [start]
    }
}
