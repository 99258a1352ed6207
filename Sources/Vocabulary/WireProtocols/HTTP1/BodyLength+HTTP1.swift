package import HTTPSemantics

extension BodyLength {
    package init(_ body: HTTP1Framing.Body) {
        switch body {
        case .none: self = .none
        case .length(let count): self = .bytes(count)
        case .chunked, .untilClose: self = .unknown
        }
    }
}

extension HTTP1Framing.Body {
    /// As a request announces it.
    package init(_ length: BodyLength) {
        switch length {
        case .none: self = .none
        case .bytes(let count): self = .length(count)
        case .unknown: self = .chunked
        }
    }
}
