import ConfigValues

extension RandomAccessCollection where Index == Int {
    /// In a list that is in order: tries what is near first, then twice as far each time.
    /// - Parameter isBefore: Whether an element stands before what is looked for.
    fileprivate func firstIndex(from start: Int, _ isBefore: (Element) -> Bool) -> Int {
        var (low, step) = (start, 1)
        while low + step <= endIndex, isBefore(self[low + step - 1]) {
            low += step
            step *= 2
        }
        var high = Swift.min(low + step - 1, endIndex)
        while low < high {
            let middle = (low + high) / 2
            if isBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

extension [String] {
    func firstIndex(notBefore key: String, from start: Int) -> Int {
        firstIndex(from: start) { ConfigMap.isOrdered($0, key) }
    }
}

extension ConfigMap {
    /// The first of some keys, in order, that is not there.
    func firstMissing(of keys: [String]) -> String? {
        var place = 0
        for key in keys {
            place = entries.firstIndex(from: place) { Self.isOrdered($0.key, key) }
            guard place < entries.count, entries[place].key.hasSameBytes(as: key) else { return key }
        }
        return nil
    }
}
