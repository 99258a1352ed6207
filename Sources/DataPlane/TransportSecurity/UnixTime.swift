import Glibc

/// A point in wall-clock time, as certificates carry it: whole seconds since 1970-01-01T00:00:00Z, without leap seconds.
package struct UnixTime: Hashable, Comparable, Sendable {
    package let seconds: Int64

    package init(seconds: Int64) { self.seconds = seconds }

    /// The machine's wall clock.
    package static var now: UnixTime {
        var time = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &time)
        return UnixTime(seconds: Int64(time.tv_sec))
    }

    package static func < (left: UnixTime, right: UnixTime) -> Bool { left.seconds < right.seconds }

    /// Parts of a second in `duration` are dropped.
    package static func + (time: UnixTime, duration: Duration) -> UnixTime {
        UnixTime(seconds: time.seconds + duration.components.seconds)
    }

    package static func - (time: UnixTime, duration: Duration) -> UnixTime {
        UnixTime(seconds: time.seconds - duration.components.seconds)
    }

    package static func - (left: UnixTime, right: UnixTime) -> Duration { .seconds(left.seconds - right.seconds) }
}

extension UnixTime: CustomStringConvertible {
    /// RFC 3339 in UTC: `2026-11-22T16:55:07Z`.
    package var description: String {
        var time = time_t(seconds)
        var parts = unsafe tm()
        unsafe gmtime_r(&time, &parts)
        func padded(_ value: CInt, _ width: Int = 2) -> String {
            let digits = String(value)
            return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
        }
        let (year, month, day) = unsafe (parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday)
        let (hour, minute, second) = unsafe (parts.tm_hour, parts.tm_min, parts.tm_sec)
        return "\(padded(year, 4))-\(padded(month))-\(padded(day))T\(padded(hour)):\(padded(minute)):\(padded(second))Z"
    }
}
