import HTTPSemantics
import Manifests
import RegularExpressions

/// What a GRPCRoute's match asks of a path's two segments, beyond what the path's place in the index says.
struct MethodCondition: Sendable {
    enum Name: Sendable {
        case any
        case exact([UInt8])
        case expression(ExpressionMatcher)

        fileprivate init(_ match: GRPCNameMatch?) {
            switch match {
            case nil: self = .any
            case .exact(let text): self = .exact(Array(text.utf8))
            case .regularExpression(let expression): self = .expression(ExpressionMatcher(expression))
            }
        }

        fileprivate func holds(_ name: Span<UInt8>) -> Bool {
            switch self {
            case .any: true
            case .exact(let text): ASCII.equal(name, text.span)
            case .expression(let expression): expression.matches(name)
            }
        }
    }

    let service: Name
    let method: Name

    /// Where in the index a match of gRPC methods stands, and what is left to ask there.
    static func compile(_ match: GRPCMethodMatch) -> (path: HTTPRouteMatch.Path, condition: MethodCondition?) {
        guard case .exact(let service) = match.service else {
            return (.prefix("/"), MethodCondition(service: Name(match.service), method: Name(match.method)))
        }
        guard case .exact(let method) = match.method else {
            return (.prefix("/\(service)"), MethodCondition(service: .any, method: Name(match.method)))
        }
        return (.exact("/\(service)/\(method)"), nil)
    }

    /// Whether a path is a gRPC method's, two segments, and they are what is asked for.
    func holds(_ path: Span<UInt8>) -> Bool {
        guard let slash = Self.separator(in: path) else { return false }
        return service.holds(path.extracting(1..<slash)) && method.holds(path.extracting((slash + 1)..<path.count))
    }

    /// Where the `/` between service and method stands; `nil` if the path is not `/service/method`.
    static func separator(in path: Span<UInt8>) -> Int? {
        guard path.count > 3, path[0] == UInt8(ascii: "/") else { return nil }
        var found: Int?
        for index in 1..<path.count where path[index] == UInt8(ascii: "/") {
            guard found == nil else { return nil }
            found = index
        }
        guard let found, found > 1, found + 1 < path.count else { return nil }
        return found
    }
}

extension GRPCMethodMatch {
    /// Gateway API's precedence: the most characters in a matching service, then in a matching method. Of matches that hold
    /// for one call, those that name the service have all of its characters, and those that do not have none. Where one
    /// names it and another describes it, the name comes first.
    var rank: UInt64 { GRPCNameMatch.rank(service) * 3 + GRPCNameMatch.rank(method) }
}

extension GRPCNameMatch {
    fileprivate static func rank(_ match: GRPCNameMatch?) -> UInt64 {
        switch match {
        case .exact: 0
        case .regularExpression: 1
        case nil: 2
        }
    }
}
