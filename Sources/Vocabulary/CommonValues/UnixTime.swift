import Glibc

/// A point in wall-clock time, for people and certificates; intervals are measured with `ContinuousClock`.
package struct UnixTime: Hashable, Comparable, Sendable {
    /// Since 1970-01-01T00:00:00Z, without leap seconds.
    package let microseconds: Int64

    package init(microseconds: Int64) { self.microseconds = microseconds }

    /// - Parameter seconds: Times that `microseconds` cannot hold become the last or first that it can: some 292,000 years.
    package init(seconds: Int64) {
        let (product, isTooFar) = seconds.multipliedReportingOverflow(by: 1_000_000)
        microseconds = isTooFar ? (seconds < 0 ? .min : .max) : product
    }

    /// The machine's wall clock.
    package static var now: UnixTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000)
    }

    /// Whole seconds since 1970, rounded down.
    package var seconds: Int64 { Self.floor(microseconds, 1_000_000) }

    package static func < (left: Self, right: Self) -> Bool { left.microseconds < right.microseconds }

    /// Parts of a microsecond in `duration` are dropped.
    package static func + (time: Self, duration: Duration) -> Self {
        let (seconds, attoseconds) = duration.components
        return UnixTime(microseconds: time.microseconds + seconds * 1_000_000 + attoseconds / 1_000_000_000_000)
    }

    package static func - (time: Self, duration: Duration) -> Self { time + (.zero - duration) }

    package static func - (left: Self, right: Self) -> Duration {
        .microseconds(left.microseconds - right.microseconds)
    }

    private static func floor(_ number: Int64, _ divisor: Int64) -> Int64 {
        number >= 0 ? number / divisor : (number + 1) / divisor - 1
    }
}

extension UnixTime: CustomStringConvertible {
    /// RFC 3339 in UTC, to the millisecond: `2026-11-22T16:55:07.250Z`.
    package var description: String {
        let day = Int(Self.floor(seconds, 86_400))
        let second = Int(seconds) - day * 86_400
        let millisecond = Int(microseconds - seconds * 1_000_000) / 1_000
        let date = Self.civilDate(day: day)
        return "\(Self.padded(date.year, 4))-\(Self.padded(date.month, 2))-\(Self.padded(date.day, 2))"
            + "T\(Self.padded(second / 3_600, 2)):\(Self.padded(second / 60 % 60, 2)):\(Self.padded(second % 60, 2))"
            + ".\(Self.padded(millisecond, 3))Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }

    /// The date of a day of the proleptic Gregorian calendar, counted from 1970-01-01. Years here begin in March, so that
    /// the leap day is the last of its year.
    static func civilDate(day: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = day + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (
            yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        )
    }
}
