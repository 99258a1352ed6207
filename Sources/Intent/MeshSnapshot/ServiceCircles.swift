import Diagnostics
import Manifests

/// Services whose endpoints lead to each other and back. Each step is looked at once, however many circles there are.
struct ServiceCircles {
    /// An endpoint of one Service that is a way to another.
    struct Step {
        let from: ResourceName
        let to: ResourceName
        let endpoint: Located<SocketAddress>
        /// What listens there, for people.
        let way: String
    }

    /// Circles that are told: 100. Each is as long as it is.
    private static let limit = 100
    /// Steps that a message names: 8.
    private static let shown = 8

    private let steps: [ResourceName: [Step]]
    /// How far along the path that is being walked each Service stands; `nil`: it is over and done with.
    private var places: [ResourceName: Int?] = [:]
    private(set) var found: [[Step]] = []

    init(_ steps: [Step]) {
        self.steps = Dictionary(grouping: steps, by: \.from)
        for name in self.steps.keys.sorted() where places[name] == nil { walk(from: name) }
    }

    /// Depth first, by a stack of its own: a chain may be as long as a mesh has Services.
    private mutating func walk(from first: ResourceName) {
        var path: [Step] = []
        var open: [(name: ResourceName, next: Int)] = []
        func enter(_ name: ResourceName) {
            places[name] = .some(open.count)
            open.append((name, 0))
        }
        enter(first)
        while let (name, next) = open.last, found.count < Self.limit {
            guard let step = steps[name].flatMap({ $0.indices.contains(next) ? $0[next] : nil }) else {
                open.removeLast()
                _ = path.popLast()
                places[name] = .some(nil)
                continue
            }
            open[open.count - 1].next += 1
            switch places[step.to] {
            case .none:
                path.append(step)
                enter(step.to)
            // It stands on the path.
            case .some(.some(let place)): found.append(path[place...] + [step])
            case .some(.none): continue
            }
        }
    }

    /// An error for each circle, at the first of its endpoints.
    var diagnostics: [Diagnostic] {
        found.map { circle in
            let start = circle.indices.min { circle[$0].endpoint.position < circle[$1].endpoint.position }!
            let steps = circle[start...] + circle[..<start]
            let step = steps.first!
            let names = Self.list(steps.map { Diagnostic.quoted($0.to.name) }, separator: ", then to ")
            let places = Self.list(
                steps.dropFirst().map { "\($0.endpoint.value.description) at \($0.endpoint.position)" },
                separator: ", ")
            return Diagnostic(
                .endpointLoop, at: step.endpoint.position,
                found: "\(Diagnostic.quoted(step.endpoint.value.description)), which is \(step.way)",
                expected:
                    "the address of what serves Service \(Diagnostic.quoted(step.from.name)): from this one a call goes on to "
                    + "Service \(names), in a circle",
                remedy: "name the address that its own process listens at, here or in place of \(places)")
        }
    }

    private static func list(_ items: [String], separator: String) -> String {
        let rest = items.count - shown
        guard rest > 0 else { return items.joined(separator: separator) }
        return items.prefix(shown - 1).joined(separator: separator) + ", \(rest) more" + separator + items.last!
    }
}
