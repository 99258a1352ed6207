import HTTPSemantics

/// The fields that everybody knows without having sent them (RFC 7541, appendix A).
enum HPACKStaticTable {
    static let count = 61

    /// - Parameter index: 1 to 61.
    static func entry(_ index: Int) -> (name: StaticString, value: StaticString) {
        switch index {
        case 1: (":authority", "")
        case 2: (":method", "GET")
        case 3: (":method", "POST")
        case 4: (":path", "/")
        case 5: (":path", "/index.html")
        case 6: (":scheme", "http")
        case 7: (":scheme", "https")
        case 8: (":status", "200")
        case 9: (":status", "204")
        case 10: (":status", "206")
        case 11: (":status", "304")
        case 12: (":status", "400")
        case 13: (":status", "404")
        case 14: (":status", "500")
        case 15: ("accept-charset", "")
        case 16: ("accept-encoding", "gzip, deflate")
        case 17: ("accept-language", "")
        case 18: ("accept-ranges", "")
        case 19: ("accept", "")
        case 20: ("access-control-allow-origin", "")
        case 21: ("age", "")
        case 22: ("allow", "")
        case 23: ("authorization", "")
        case 24: ("cache-control", "")
        case 25: ("content-disposition", "")
        case 26: ("content-encoding", "")
        case 27: ("content-language", "")
        case 28: ("content-length", "")
        case 29: ("content-location", "")
        case 30: ("content-range", "")
        case 31: ("content-type", "")
        case 32: ("cookie", "")
        case 33: ("date", "")
        case 34: ("etag", "")
        case 35: ("expect", "")
        case 36: ("expires", "")
        case 37: ("from", "")
        case 38: ("host", "")
        case 39: ("if-match", "")
        case 40: ("if-modified-since", "")
        case 41: ("if-none-match", "")
        case 42: ("if-range", "")
        case 43: ("if-unmodified-since", "")
        case 44: ("last-modified", "")
        case 45: ("link", "")
        case 46: ("location", "")
        case 47: ("max-forwards", "")
        case 48: ("proxy-authenticate", "")
        case 49: ("proxy-authorization", "")
        case 50: ("range", "")
        case 51: ("referer", "")
        case 52: ("refresh", "")
        case 53: ("retry-after", "")
        case 54: ("server", "")
        case 55: ("set-cookie", "")
        case 56: ("strict-transport-security", "")
        case 57: ("transfer-encoding", "")
        case 58: ("user-agent", "")
        case 59: ("vary", "")
        case 60: ("via", "")
        case 61: ("www-authenticate", "")
        default: preconditionFailure("no such entry")
        }
    }

    static func known(_ index: Int) -> KnownField {
        switch index {
        case 23: .authorization
        case 28: .contentLength
        case 31: .contentType
        case 32: .cookie
        case 33: .date
        case 35: .expect
        case 38: .host
        case 46: .location
        case 47: .maxForwards
        case 48: .proxyAuthenticate
        case 49: .proxyAuthorization
        case 54: .server
        case 57: .transferEncoding
        case 60: .via
        default: .other
        }
    }

    /// Where this name stands; 0: it does not.
    static func index(of known: KnownField) -> Int {
        switch known {
        case .authorization: 23
        case .contentLength: 28
        case .contentType: 31
        case .cookie: 32
        case .date: 33
        case .expect: 35
        case .host: 38
        case .location: 46
        case .maxForwards: 47
        case .proxyAuthenticate: 48
        case .proxyAuthorization: 49
        case .server: 54
        case .transferEncoding: 57
        case .via: 60
        default: 0
        }
    }
}
