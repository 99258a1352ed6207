package import Diagnostics
package import Manifests
import ServiceContracts
import Synchronization
package import SystemInterfaces

/// Keeps files as the values of Configs are that their workloads may read. One thread writes them: a disk that is slow, or a program that
/// does not end, holds up nobody else.
package final class ProjectionKeeper: Sendable {
    /// What it asks of the host, on its thread.
    package struct Host: Sendable {
        /// Of a user; `nil`: the host has none of that name, or does not say.
        let number: @Sendable (UserReference) -> UInt32?
        /// Tells who reads the file that it has changed. Returns why that could not be done; `nil`: it was.
        let tell: @Sendable (ProjectionHook, Workload) -> String?
        /// Folders, absolute and without links, that no file may lie in.
        let closedFolders: [String]

        package init(
            number: @escaping @Sendable (UserReference) -> UInt32?,
            tell: @escaping @Sendable (ProjectionHook, Workload) -> String?, closedFolders: [String]
        ) {
            self.number = number
            self.tell = tell
            self.closedFolders = closedFolders
        }
    }

    /// What a generation says.
    struct Plan: Sendable {
        var files: [ProjectedFile] = []
        var rules: ResourceRules?
    }

    private struct State {
        var newPlan: Plan?
        /// The data plane serves the generation of the newest plan.
        var isServed = false
        var changed: Set<ResourceName> = []
        var isStopped = false
        var problems: [Diagnostic] = []
    }

    /// What is known of a file.
    private struct Course {
        var writing = Attempts()
        var telling = Attempts()
        /// Its content has changed, and who reads it has not been told.
        var owesTelling = false
        /// Grows with each telling, of any file: whose is the least has waited for longest.
        var turn = 0

        var isToBeTold: Bool { owesTelling && telling.isDue }
        var problems: [Diagnostic] { [writing.problem, telling.problem].compactMap(\.self) }
    }

    /// Something that is tried until it can be done.
    private struct Attempts {
        private(set) var problem: Diagnostic?
        private var failures = 0
        /// `nil`: it has not failed, or there is reason to try it at once.
        var retry: ContinuousClock.Instant?

        mutating func end(with problem: Diagnostic?) {
            self.problem = problem
            guard problem != nil else {
                (failures, retry) = (0, nil)
                return
            }
            failures += 1
            retry = .now + min(ProjectionKeeper.longestPause, ProjectionKeeper.firstPause * (1 << min(failures - 1, 6)))
        }

        var isDue: Bool { retry.map { $0 <= .now } ?? true }
    }

    /// After a failure. Default: 1 s, twice as long each time, up to 60 s.
    private static let firstPause = Duration.seconds(1)
    private static let longestPause = Duration.seconds(60)

    private let board: ConfigBoard
    private let host: Host
    private let untold: UntoldFiles
    private let report: @Sendable ([Diagnostic]) -> Void
    private let state = Mutex(State())
    private let wakeup: Wakeup

    /// - Parameters:
    ///   - untold: Read once a state folder is there, with the first plan.
    ///   - report: Told on its thread, when something else is wrong than before.
    /// - Throws: The host gives no thread, or no descriptor.
    package init(
        _ board: ConfigBoard, _ host: Host, _ untold: UntoldFiles, report: @escaping @Sendable ([Diagnostic]) -> Void
    ) throws(SystemCallError) {
        self.board = board
        self.host = host
        self.untold = untold
        self.report = report
        wakeup = try Wakeup()
        try SystemThread.start(name: "config-files") { [self] in run() }
    }

    package func stop() {
        state.withLock { $0.isStopped = true }
        wakeup.give()
    }

    package var problems: [Diagnostic] { state.withLock { $0.problems } }

    package func changed(_ config: ResourceName) {
        state.withLock { _ = $0.changed.insert(config) }
        wakeup.give()
    }

    /// Files are kept by this plan from now on. Who is to hear of a change waits until it is served: a service may be called that is as new
    /// as the plan.
    func adopt(_ plan: Plan) {
        state.withLock { ($0.newPlan, $0.isServed) = (plan, false) }
        wakeup.give()
    }

    func served() {
        state.withLock { $0.isServed = true }
        wakeup.give()
    }

    // MARK: On its thread

    /// Files first: who is told next waits for them, and they wait for one telling at most, however many there are and however long each takes.
    private func run() {
        var plan = Plan()
        var courses: [String: Course] = [:]
        var (isServed, turn) = (false, 0)
        var kept: Set<String>?
        while true {
            wakeup.wait(until: next(courses, isServed))
            wakeup.take()
            let (newPlan, changed, isStopped) = state.withLock { state in
                defer { (state.newPlan, state.changed) = (nil, []) }
                isServed = state.isServed
                return (state.newPlan, state.changed, state.isStopped)
            }
            if isStopped { return }
            if let newPlan {
                plan = newPlan
                let paths = Set(plan.files.map(\.projection.path.value))
                courses = courses.filter { paths.contains($0.key) }
                if kept == nil {
                    kept = untold.load()
                    for path in paths.intersection(kept ?? []) { courses[path] = Course(owesTelling: true) }
                }
            }
            guard let rules = plan.rules else {
                tell([])
                continue
            }
            for file in plan.files {
                let path = file.projection.path.value
                var course = courses[path] ?? Course()
                if newPlan != nil || changed.contains(file.config)
                    || course.writing.retry != nil && course.writing.isDue
                {
                    keep(file, rules, &course)
                    // By the newest rules, of the newest value: reason enough.
                    if newPlan != nil { course.telling.retry = nil }
                }
                courses[path] = course
            }
            keep(Self.untold(in: courses), in: &kept)
            let owed = plan.files.filter { isServed && courses[$0.projection.path.value]?.isToBeTold == true }
            if let file = owed.min(by: {
                courses[$0.projection.path.value]!.turn < courses[$1.projection.path.value]!.turn
            }) {
                turn += 1
                courses[file.projection.path.value]?.turn = turn
                ring(file, &courses[file.projection.path.value]!)
                keep(Self.untold(in: courses), in: &kept)
            }
            tell(plan.files.flatMap { courses[$0.projection.path.value]?.problems ?? [] })
        }
    }

    private static func untold(in courses: [String: Course]) -> Set<String> {
        Set(courses.lazy.filter(\.value.owesTelling).map(\.key))
    }

    /// Before anybody is told, and afterwards: whoever ends in between tells once too often, and not once too little.
    private func keep(_ paths: Set<String>, in kept: inout Set<String>?) {
        guard paths != kept else { return }
        untold.save(paths)
        kept = paths
    }

    /// When there is something to do, if nobody asks for it.
    private func next(_ courses: [String: Course], _ isServed: Bool) -> ContinuousClock.Instant? {
        courses.values.flatMap { course in
            [course.writing.retry, course.owesTelling && isServed ? course.telling.retry ?? .now : nil].compactMap(
                \.self)
        }.min()
    }

    private func tell(_ problems: [Diagnostic]) {
        let isOther = state.withLock { state in
            defer { state.problems = problems }
            return state.problems != problems
        }
        if isOther { report(problems) }
    }

    private func keep(_ file: ProjectedFile, _ rules: ResourceRules, _ course: inout Course) {
        course.writing.end(with: problem(of: file, rules, &course))
        if file.projection.onChange == nil { (course.owesTelling, course.telling) = (false, Attempts()) }
    }

    /// Tells who reads it.
    private func ring(_ file: ProjectedFile, _ course: inout Course) {
        guard let hook = file.projection.onChange else { return }
        let reason = host.tell(hook, file.workload)
        course.telling.end(
            with: reason.map {
                file.problem(
                    "the file has changed, and \($0)", expected: "somebody who is told",
                    remedy: "mend that; it is tried again by itself")
            })
        if reason == nil { course.owesTelling = false }
    }

    /// Makes the file what it is to be.
    /// - Returns: Why that cannot be done; `nil`: it is.
    private func problem(of file: ProjectedFile, _ rules: ResourceRules, _ course: inout Course) -> Diagnostic? {
        let path = file.projection.path.value
        if let closed = host.closedFolders.first(where: { path == $0 || path.hasPrefix("\($0)/") }) {
            return file.problem(
                "a file in \(Diagnostic.quoted(closed)), where Heddle's own files are", expected: "a file elsewhere",
                remedy: "choose another path")
        }
        guard let owner = host.number(file.owner) else {
            return file.problem(
                "\(file.owner.name.map { "user \(Diagnostic.quoted($0.value))" } ?? "a user") that this host does not have",
                expected: "who is to have the file", remedy: "make the user, or set owner")
        }
        do throws(Problem) {
            let content = try file.content(on: board, by: rules)
            do throws(GuardedFile.Obstacle) {
                if try file.write(content, owner: owner), file.projection.onChange != nil {
                    course.owesTelling = true
                    course.telling.retry = nil
                }
            } catch {
                return file.problem(error)
            }
        } catch {
            return file.problem(error)
        }
        return nil
    }
}
