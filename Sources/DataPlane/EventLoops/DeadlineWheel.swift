/// Deadlines of many owners, one each, in a hashed wheel. Moving a deadline to a later time, as every request does,
/// is one store: the entry stays where it is and is put in its new place when its old one comes up.
package struct DeadlineWheel {
    /// Milliseconds of the loop's clock.
    package typealias Time = UInt64

    private struct Entry {
        var deadline = Time.max
        /// The tick whose bucket the entry is in; `.max`: in none.
        var tick = Time.max
        var next: Int32 = -1
        var previous: Int32 = -1
    }

    /// 4 ms: deadlines come up to one tick late, never early.
    private static let tickShift: Time = 2
    /// 16 s of ticks; what lies further ahead goes round.
    private static let bucketCount = 4096

    private var entries: [Entry] = []
    private var buckets = [Int32](repeating: -1, count: bucketCount)
    /// One bit a bucket that holds entries.
    private var occupied = [UInt64](repeating: 0, count: bucketCount / 64)
    private var currentTick: Time

    package init(now: Time) { currentTick = now >> Self.tickShift }

    /// - Parameters:
    ///   - owner: A small integer, unique among owners.
    ///   - deadline: `nil`: none.
    package mutating func set(_ owner: Int32, to deadline: Time?) {
        let index = Int(owner)
        while entries.count <= index { entries.append(Entry()) }
        entries[index].deadline = deadline ?? .max
        guard let deadline else { return }
        let tick = max((deadline >> Self.tickShift) + 1, currentTick + 1)
        let limit = currentTick + Time(Self.bucketCount) - 1
        guard entries[index].tick > min(tick, limit) else { return }
        unlink(owner)
        link(owner, tick: min(tick, limit))
    }

    package mutating func remove(_ owner: Int32) {
        guard Int(owner) < entries.count else { return }
        unlink(owner)
        entries[Int(owner)].deadline = .max
    }

    /// Moves to `now` and adds the owners whose deadline has come; each is told once.
    package mutating func advance(to now: Time, expired: inout [Int32]) {
        let last = now >> Self.tickShift
        // After a long sleep one round visits every bucket.
        if last > currentTick + Time(Self.bucketCount) { currentTick = last - Time(Self.bucketCount) }
        while currentTick < last {
            currentTick += 1
            let bucket = Int(currentTick) & (Self.bucketCount - 1)
            guard occupied[bucket >> 6] & (1 << UInt64(bucket & 63)) != 0 else { continue }
            var owner = buckets[bucket]
            while owner >= 0 {
                let next = entries[Int(owner)].next
                let deadline = entries[Int(owner)].deadline
                unlink(owner)
                if deadline <= now {
                    entries[Int(owner)].deadline = .max
                    expired.append(owner)
                } else if deadline != .max {
                    set(owner, to: deadline)
                }
                owner = next
            }
        }
    }

    /// When to call `advance` next; `nil`: nothing is due.
    package func nextDue() -> Time? {
        let start = Int(currentTick + 1) & (Self.bucketCount - 1)
        var bucket = start
        var seen = 0
        while seen < Self.bucketCount {
            let word = occupied[bucket >> 6] >> UInt64(bucket & 63)
            if word != 0 {
                let distance = seen + word.trailingZeroBitCount
                guard distance < Self.bucketCount else { return nil }
                return (currentTick + 1 + Time(distance)) << Self.tickShift
            }
            let step = 64 - (bucket & 63)
            seen += step
            bucket = (bucket + step) & (Self.bucketCount - 1)
        }
        return nil
    }

    private mutating func link(_ owner: Int32, tick: Time) {
        let bucket = Int(tick) & (Self.bucketCount - 1)
        let first = buckets[bucket]
        entries[Int(owner)].tick = tick
        entries[Int(owner)].next = first
        entries[Int(owner)].previous = -1
        if first >= 0 { entries[Int(first)].previous = owner }
        buckets[bucket] = owner
        occupied[bucket >> 6] |= 1 << UInt64(bucket & 63)
    }

    private mutating func unlink(_ owner: Int32) {
        let entry = entries[Int(owner)]
        guard entry.tick != .max else { return }
        let bucket = Int(entry.tick) & (Self.bucketCount - 1)
        if entry.previous >= 0 { entries[Int(entry.previous)].next = entry.next } else { buckets[bucket] = entry.next }
        if entry.next >= 0 { entries[Int(entry.next)].previous = entry.previous }
        if buckets[bucket] < 0 { occupied[bucket >> 6] &= ~(1 << UInt64(bucket & 63)) }
        entries[Int(owner)].tick = .max
        entries[Int(owner)].next = -1
        entries[Int(owner)].previous = -1
    }
}
