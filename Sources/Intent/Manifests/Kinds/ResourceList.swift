package import Diagnostics

/// The resources of one kind, by name.
package struct ResourceList<Value: Resource>: Sendable {
    package let all: [Value]
    /// Where each stands in `all`.
    private let numbers: [ResourceName: Int]

    /// - Parameters:
    ///   - given: In the order of files. Of several with one name the first counts.
    ///   - duplicates: Takes the others.
    init(_ given: [Value], _ duplicates: inout [DuplicateResource]) {
        let kind = Value.kind
        let names = given.map(\.metadata.name)
        // Numbers are sorted, which are small, and not resources.
        var kept: [Int] = []
        var numbers: [ResourceName: Int] = [:]
        kept.reserveCapacity(names.count)
        numbers.reserveCapacity(names.count)
        for (number, name) in names.enumerated() {
            let key = kind.key(name)
            if let first = numbers[key] {
                duplicates.append(
                    DuplicateResource(
                        kind: kind, metadata: given[number].metadata, first: given[first].metadata.position))
            } else {
                numbers[key] = number
                kept.append(number)
            }
        }
        kept.sort { names[$0] < names[$1] }
        for (number, former) in kept.enumerated() { numbers[kind.key(names[former])] = number }
        all = kept.map { given[$0] }
        self.numbers = numbers
    }

    package init() {
        all = []
        numbers = [:]
    }

    package subscript(name: ResourceName) -> Value? { number(of: name).map { all[$0] } }

    package func number(of name: ResourceName) -> Int? { numbers[Value.kind.key(name)] }

    /// In no order.
    package var names: some Collection<ResourceName> { numbers.keys }

    /// Those of a namespace, by name.
    package func within(_ namespace: String) -> ArraySlice<Value> {
        let start = all.firstNumber { $0.metadata.name.namespace >= namespace }
        let end = all[start...].firstNumber { $0.metadata.name.namespace > namespace }
        return all[start..<end]
    }
}

extension ResourceList: RandomAccessCollection {
    package var startIndex: Int { 0 }
    package var endIndex: Int { all.count }
    package subscript(number: Int) -> Value { all[number] }
    // Those that the standard library has for every collection are not made for this one, and cost a hundred times as much.
    package func index(after number: Int) -> Int { number + 1 }
    package func index(before number: Int) -> Int { number - 1 }
    package func formIndex(after number: inout Int) { number += 1 }
    package func formIndex(before number: inout Int) { number -= 1 }
    package func index(_ number: Int, offsetBy distance: Int) -> Int { number + distance }
    package func distance(from start: Int, to end: Int) -> Int { end - start }
    package func makeIterator() -> IndexingIterator<[Value]> { all.makeIterator() }
}

extension RandomAccessCollection where Index == Int {
    /// The first that something holds for, if it holds for all after that; the end if for none.
    fileprivate func firstNumber(where isBeyond: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if isBeyond(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// A second resource of a name that is unique.
package struct DuplicateResource: Sendable {
    package let kind: ResourceKind
    package let metadata: Metadata
    /// Where the one stands that counts.
    package let first: SourcePosition
}

/// A list of whatever kind.
protocol ResourceListing: Sendable {
    var count: Int { get }
    var resources: [any Resource] { get }
    var resourceNames: [ResourceName] { get }
    var files: [String] { get }
    func has(_ name: ResourceName) -> Bool
    func forEachReference(_ body: (_ number: Int, Reference) -> Void)
}

extension ResourceList: ResourceListing {
    var resources: [any Resource] { all }
    var resourceNames: [ResourceName] { Array(numbers.keys) }
    func has(_ name: ResourceName) -> Bool { number(of: name) != nil }

    // For any kind these are compiled once, unspecialized, where plain steps over numbers cost a tenth of what the standard
    // library's ways for any collection do.
    var files: [String] {
        var files: [String] = []
        for number in all.indices { files += all[number].files }
        return files
    }

    func forEachReference(_ body: (_ number: Int, Reference) -> Void) {
        for number in all.indices {
            for reference in all[number].references { body(number, reference) }
        }
    }
}
