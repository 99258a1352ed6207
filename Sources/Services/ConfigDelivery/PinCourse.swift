import ConfigHistory
import ConfigMerging
import ConfigValues
package import Diagnostics
import JSONSchemas
import Manifests

/// What a Config is pinned to, as far as it has been found.
struct PinCourse {
    private var revision: Located<String>
    /// `nil`: it is looked for.
    var found: PinFinding?
    /// What was made of it last.
    private var former: ConfigVersion?

    init(_ revision: Located<String>) { self.revision = revision }

    /// What its revision begins with.
    var prefix: String { revision.value }

    var isFound: Bool {
        if case .found? = found?.finding { true } else { false }
    }

    /// What holds of it when the manifests say this.
    /// - Returns: `nil`: nothing does.
    func moved(to other: Located<String>) -> PinCourse? {
        guard other.value == prefix else { return nil }
        var course = self
        course.revision = other
        return course
    }

    struct Held {
        /// To be published; `nil`: what is published stays.
        var version: ConfigVersion?
        var pin: HeldPin?
        /// It is not known yet what is to be published, and nothing is.
        var isAwaited = false
        var problems: [Diagnostic] = []
    }

    /// - Parameters:
    ///   - made: What the sources come to now; `nil`: nothing that could be published.
    ///   - lastGood: What is published; `nil`: nothing is, since Heddle was started.
    mutating func held(
        _ plan: ConfigBoard.PlannedConfig, hiding secrets: SecretsNow, _ made: ConfigVersion?, lastGood: ConfigVersion?
    ) -> Held {
        guard let found else { return Held(isAwaited: lastGood == nil) }
        // What the history may not have: a full disk keeps nothing, and other nodes had it.
        let own = [lastGood, made].compactMap(\.self).filter { $0.revision.hasPrefix(prefix) }
        var revisions = Set(own.map(\.revision))
        var past = own.first.map(PastConfig.init)
        var reason: Diagnostic?
        switch found.finding {
        case .found(let kept):
            revisions.insert(kept.revision)
            past = kept
        case .ambiguous(let others): revisions.formUnion(others)
        case .unreadable(let why): reason = why
        case .unknown: break
        }
        var held: Held
        if revisions.count > 1 {
            held = Held(problems: [ambiguous(revisions)])
        } else if let past {
            held = hold(past, plan, hiding: secrets, made)
        } else if let reason {
            held = Held(problems: [unreadable(plan), reason])
        } else {
            held = Held(problems: [unknown(plan)])
        }
        // After a restart as before it: what was published last stays, and nothing else.
        guard held.version == nil, lastGood == nil else { return held }
        switch found.newest {
        case .found(let newest):
            // That the schema refuses it, too, is no mistake in what is pinned: there is no last good value.
            held.version = try? version(of: newest, plan, hiding: secrets)
        case .unreadable(let why) where !held.problems.contains(why): held.problems.append(why)
        case .unreadable, .unknown, .ambiguous: break
        }
        return held
    }

    private mutating func hold(
        _ past: PastConfig, _ plan: ConfigBoard.PlannedConfig, hiding secrets: SecretsNow, _ made: ConfigVersion?
    ) -> Held {
        do throws(ConfigRefusal) {
            let version = try version(of: past, plan, hiding: secrets)
            former = version
            let sources: HeldPin.Sources =
                made.map { $0.revision == version.revision ? .same : .other } ?? .nothing
            return Held(
                version: version,
                pin: HeldPin(revision: version.revision, firstAt: past.heading.firstAt, sources: sources),
                problems: version.evaluated.warnings)
        } catch {
            return Held(problems: [refused(past, plan)] + error.diagnostics)
        }
    }

    /// By the schema of now, which a pin does not override.
    private func version(
        of past: PastConfig, _ plan: ConfigBoard.PlannedConfig, hiding secrets: SecretsNow
    ) throws(ConfigRefusal) -> ConfigVersion {
        let evaluated = try past.evaluated(hiding: secrets, after: former?.evaluated) { value in
            plan.schema?.mistakes(in: value) ?? []
        }
        let version = ConfigVersion(
            evaluated, revision: past.revision, keeping: secrets.markedByName(past.recipe))
        guard let former, former.isSame(as: version) else { return version }
        return former
    }

    // MARK: What is wrong with it

    private static let stays = "until then the last good value stays"

    private func unknown(_ plan: ConfigBoard.PlannedConfig) -> Diagnostic {
        problem(
            found: "revision \(ConfigRevision.short(prefix)), which this node has no value of",
            expected: "one of those that heddle config history \(plan.config.metadata.name) lists",
            remedy: "choose one of them, or remove pinned; \(Self.stays)")
    }

    private func ambiguous(_ revisions: Set<String>) -> Diagnostic {
        problem(
            found: "revision \(prefix), which \(revisions.count) values begin with",
            expected: "one of " + revisions.sorted().joined(separator: ", "),
            remedy: "write more of its digits; \(Self.stays)")
    }

    private func unreadable(_ plan: ConfigBoard.PlannedConfig) -> Diagnostic {
        problem(
            found: "revision \(ConfigRevision.short(prefix)), which cannot be read from the state folder",
            expected: "what Config \(plan.config.metadata.name) was then",
            remedy: "see what is told of its file; choose another, or remove pinned; \(Self.stays)")
    }

    private func refused(_ past: PastConfig, _ plan: ConfigBoard.PlannedConfig) -> Diagnostic {
        problem(
            found: "revision \(ConfigRevision.short(past.revision)), which is not as the schema of now has it",
            expected: "a value that the schema of Config \(plan.config.metadata.name) lets through",
            remedy: "choose another, or change the schema; \(Self.stays)")
    }

    private func problem(found: String, expected: String, remedy: String) -> Diagnostic {
        Diagnostic(.configPinned, at: revision.position, found: found, expected: expected, remedy: remedy)
    }
}

extension PastConfig {
    /// As it is kept where nothing else is known of it.
    fileprivate init(_ version: ConfigVersion) {
        self.init(
            PastHeading(
                revision: version.revision, firstAt: version.madeAt, lastAt: version.madeAt, changeCount: nil),
            version.recipe)
    }
}

extension Diagnostic.Code {
    /// A Config is pinned to a revision that cannot be published.
    package static let configPinned = Self("config.pinned")
}
