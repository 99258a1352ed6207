import ConfigValues

extension ConfigMap {
    /// - Parameter edits: In the order of their keys; `nil`: the key goes.
    func edited(_ edits: [(key: String, entry: Entry?)]) -> ConfigMap {
        var edited: [Entry] = []
        edited.reserveCapacity(entries.count + edits.count)
        var rest = entries[...]
        for (key, entry) in edits {
            let place = rest.firstIndex(notBefore: key)
            edited += rest[..<place]
            rest = rest[place...]
            if let first = rest.first, first.key.hasSameBytes(as: key) { rest = rest.dropFirst() }
            if let entry { edited.append(entry) }
        }
        edited += rest
        return ConfigMap(inOrder: edited)
    }
}

extension ArraySlice<ConfigMap.Entry> {
    fileprivate func firstIndex(notBefore key: String) -> Int {
        var (low, high) = (startIndex, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if ConfigMap.isOrdered(self[middle].key, key) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
