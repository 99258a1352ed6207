/// A limit that a connection went over; the connection ends with ENHANCE_YOUR_CALM.
package enum HTTP2Limit: UInt8, Sendable, CaseIterable {
    case headerList, continuations, resets, provokedResets, settings, pings, emptyData, output

    /// In lower case, with dashes: the label of `heddle_http2_limits_exceeded_total`.
    package var name: String {
        switch self {
        case .headerList: "header-list"
        case .continuations: "continuations"
        case .resets: "resets"
        case .provokedResets: "provoked-resets"
        case .settings: "settings"
        case .pings: "pings"
        case .emptyData: "empty-data"
        case .output: "output"
        }
    }
}
