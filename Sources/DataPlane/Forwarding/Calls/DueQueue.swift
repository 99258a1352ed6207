import EventLoops

/// What is due at some time, the earliest first: a binary heap, so that adding one costs the same whether ten wait or ten
/// thousand. Of those due at one time the first to come is the first to go.
struct DueQueue<Element> {
    private struct Entry {
        let due: DeadlineWheel.Time
        let number: UInt64
        let element: Element

        func comesBefore(_ other: Entry) -> Bool { (due, number) < (other.due, other.number) }
    }

    private var heap: [Entry] = []
    private var number: UInt64 = 0

    /// `nil`: nothing waits.
    var nextDue: DeadlineWheel.Time? { heap.first?.due }

    var count: Int { heap.count }

    mutating func add(_ element: Element, due: DeadlineWheel.Time) {
        number += 1
        heap.append(Entry(due: due, number: number, element: element))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].comesBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    /// - Returns: `nil` if nothing is due by then.
    mutating func takeNext(dueBy now: DeadlineWheel.Time) -> Element? {
        guard let first = heap.first, first.due <= now else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            sink()
        }
        return first.element
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = 2 * parent + 1
            guard least < heap.count else { return }
            if least + 1 < heap.count, heap[least + 1].comesBefore(heap[least]) { least += 1 }
            guard heap[least].comesBefore(heap[parent]) else { return }
            heap.swapAt(least, parent)
            parent = least
        }
    }
}
