import Attestation
import Manifests

/// A connection's question about the process at its other end.
struct ProcessQuestion: Sendable {
    enum Subject: Sendable {
        case socket(SocketOwner)
        case process(ProcessHandle)
    }

    let subject: Subject
    var process: LocalProcess
    let depth: FactDepth
    let answer: @Sendable (LocalProcess?) -> Void
}

/// Which processes are at the other ends of one user's connections. What many connections ask is found out once: a control group, what
/// processes have open, what there is to read of a process.
struct ProcessInquiry: Inquiry {
    struct Notes {
        let groups: ControlGroups
        let known: KnownGroups
        let started: StartedProcesses
        let awaited: AwaitedProcesses
        let digests: Inquirer<DigestInquiry>
        var holders = KnownHolders()
    }

    private let user: UInt32
    /// Whose control groups are to be found yet.
    private var questions: [ProcessQuestion]
    private var search: GroupSearch?
    /// Whose processes are, by the inodes of their sockets.
    private var bySocket: [UInt32: [ProcessQuestion]] = [:]
    /// The control groups of those.
    private var paths: Set<String> = []
    private var scan: HolderScan?
    private var holders: [UInt32: SocketHolder] = [:]
    /// Of sockets that were seen, whoever has them: what their makers acted with.
    private var groups: [UInt32: UInt32] = [:]
    /// What was read of processes, all of it after the questions were asked.
    private var read: [SocketHolder.Identity: SocketHolder] = [:]
    private var answers: [(question: ProcessQuestion, holder: Result<SocketHolder, ProcessFolder.Unknown>)] = []

    init(_ questions: [ProcessQuestion], of user: UInt32) {
        self.user = user
        self.questions = questions.reversed()
    }

    var isOver: Bool { questions.isEmpty && bySocket.isEmpty && scan == nil && answers.isEmpty }

    mutating func goOn(_ slice: inout Slice, _ notes: inout Notes) -> Int {
        var answered = 0
        while !slice.isOver, !isOver {
            if let (question, holder) = answers.popLast() {
                answer(question, holder, &slice, notes)
                answered += 1
            } else if !questions.isEmpty {
                findGroup(&slice, notes, &answered)
            } else if scan != nil {
                look(&slice, &notes)
            } else {
                scan = HolderScan(
                    for: Set(bySocket.keys), of: user, in: paths, notes.holders[user], notes.groups)
            }
        }
        return answered
    }

    // MARK: Control groups

    private mutating func findGroup(_ slice: inout Slice, _ notes: Notes, _ answered: inout Int) {
        slice.spend(1)
        if questions.last?.process.controlGroup == .notAsked {
            guard let group = group(of: questions[questions.count - 1].subject, &slice, notes) else { return }
            questions[questions.count - 1].process.controlGroup = group
        }
        guard var question = questions.popLast() else { return }
        if question.process.startedAs == .notAsked {
            if case .known(let path) = question.process.controlGroup,
                let workload = notes.started.workload(ofGroup: path)
            {
                question.process.startedAs = .known(workload)
            } else if !notes.started.hasUngrouped {
                // Without groups it is the process itself that is known.
                question.process.startedAs = .known(nil)
            }
        }
        if question.depth == .controlGroup, question.process.startedAs != .notAsked {
            slice.spend(3)
            notes.awaited.release(question)
            answered += 1
            return question.answer(question.process)
        }
        switch question.subject {
        case .socket(let owner):
            bySocket[owner.inode, default: []].append(question)
            if case .known(let path) = question.process.controlGroup { paths.insert(path) }
        case .process(let handle):
            let found: Result<SocketHolder, ProcessFolder.Unknown>
            do throws(ProcessFolder.Unknown) {
                let holder = try holder(handle, handle.folder, &slice, notes)
                found = holder.map(Result.success) ?? .failure(ProcessFolder.Unknown("it has ended"))
            } catch {
                found = .failure(error)
            }
            answers.append((question, found))
        }
    }

    /// - Returns: `nil`: it is looked for still.
    private mutating func group(
        of subject: ProcessQuestion.Subject, _ slice: inout Slice, _ notes: Notes
    ) -> LocalProcess.Fact<String>? {
        switch subject {
        case .process(let handle):
            slice.spend(15)
            do throws(ProcessFolder.Unknown) {
                let path = try handle.folder.controlGroup()
                return handle.isAlive ? .known(path) : .unknown("it has ended")
            } catch {
                return .unknown(handle.isAlive ? error.reason : "it has ended")
            }
        case .socket(let owner):
            guard let number = owner.controlGroup else { return .unknown("the kernel does not say it") }
            let known = notes.known[number]
            guard known == .notAsked else { return known }
            slice.spend(8)
            guard let found = find(number, &slice, notes.groups) else { return nil }
            search = nil
            switch found {
            case .path(let path): notes.known.remember(.known(path), of: number)
            case .none: notes.known.remember(.unknown("it is in none that is there"), of: number)
            case .notFound: return .unknown("its control group was not found")
            }
            return notes.known[number]
        }
    }

    private mutating func find(
        _ number: UInt64, _ slice: inout Slice, _ groups: ControlGroups
    ) -> ControlGroups.Answer? {
        if search == nil {
            if let answer = groups.find(number) { return answer }
            search = GroupSearch(for: number, in: groups)
        }
        return search?.goOn(&slice)
    }

    // MARK: Processes

    private mutating func look(_ slice: inout Slice, _ notes: inout Notes) {
        switch scan?.next(&slice) {
        case .paused, nil: break
        case .seen(let sighting):
            let known: SocketHolder?
            do throws(ProcessFolder.Unknown) {
                known = try self.holder(sighting.handle, sighting.folder, &slice, notes)
            } catch {
                // It has them, whoever else has: without it nothing is known of them.
                return giveUp(error)
            }
            guard let holder = known else { return }
            notes.holders.remember(sighting.handle.pid, of: user)
            for (socket, group) in sighting.sockets {
                groups[socket] = group
                if holders[socket]?.join(holder) == nil { holders[socket] = holder }
            }
        case .settled(let sockets):
            for socket in sockets {
                slice.spend(1)
                // One that has ended since it was seen has left nothing that could be read.
                let holder = holders.removeValue(forKey: socket)
                let result = holder.map(Result.success) ?? .failure(ProcessFolder.Unknown("it has ended"))
                let group = groups.removeValue(forKey: socket)
                answers += (bySocket.removeValue(forKey: socket) ?? []).map { question in
                    var question = question
                    if let group, question.process.gid == .notAsked {
                        question.process.gid = UnmappedAccounts.own.fact(ofGroup: group)
                    }
                    return (question, result)
                }
            }
        case .over(let reason): giveUp(reason)
        }
    }

    /// Of none whose process is still looked for is anything known.
    private mutating func giveUp(_ reason: ProcessFolder.Unknown) {
        answers += bySocket.values.joined().map { ($0, .failure(reason)) }
        (bySocket, holders, groups, scan) = ([:], [:], [:], nil)
    }

    /// - Returns: `nil`: it has ended.
    /// - Throws: Nobody knows.
    private mutating func holder(
        _ handle: ProcessHandle, _ folder: ProcessFolder, _ slice: inout Slice, _ notes: Notes
    ) throws(ProcessFolder.Unknown) -> SocketHolder? {
        slice.spend(6)
        guard let identity = try SocketHolder.Identity(handle, folder) else { return nil }
        if let known = read[identity], !known.hasEnded { return known }
        slice.spend(notes.started.hasUngrouped ? 40 + StartedProcesses.originSteps * 8 : 40)
        let holder = SocketHolder(identity, handle, notes.started)
        read[identity] = holder
        return holder
    }

    // MARK: Answers

    private func answer(
        _ question: ProcessQuestion, _ found: Result<SocketHolder, ProcessFolder.Unknown>, _ slice: inout Slice,
        _ notes: Notes
    ) {
        slice.spend(3)
        notes.awaited.release(question)
        var process = question.process
        let holder: SocketHolder
        switch found {
        case .success(let one): holder = one
        case .failure(let unknown):
            return question.answer(process.knowingNothing(upTo: question.depth, because: unknown.reason))
        }
        if process.startedAs == .notAsked {
            process.startedAs =
                if case .socket(let owner) = question.subject {
                    holder.startedAs(makerOfSocket: owner.uid)
                } else {
                    .known(holder.startedAs)
                }
            process.startedBy = holder.startedBy
        }
        guard question.depth > .controlGroup else { return question.answer(process) }
        process.pid = holder.identity.folder.pid
        if process.executable == .notAsked || question.depth == .digest { process.executable = holder.executable }
        guard question.depth == .digest else { return question.answer(process) }
        guard case .known(let file) = holder.file else {
            return question.answer(process.knowingNothing(upTo: .digest, because: holder.file.obstacle))
        }
        let digest = DigestQuestion(
            subject: DigestQuestion.Subject(holder: holder.identity, file: file), process: process,
            answer: question.answer)
        if !notes.digests.ask(digest, of: user) { question.answer(nil) }
    }
}

extension LocalProcess.Fact {
    /// Why it is not known.
    fileprivate var obstacle: String {
        if case .unknown(let why) = self { return why }
        return "nobody has asked"
    }
}

/// Processes that had sockets of a user before: the next one is often the same's.
struct KnownHolders {
    /// The last one first.
    private var known: [UInt32: [Int32]] = [:]

    private static let limitPerUser = 8
    private static let userLimit = 256

    subscript(user: UInt32) -> [Int32] { known[user] ?? [] }

    mutating func remember(_ pid: Int32, of user: UInt32) {
        if known[user]?.first == pid { return }
        if known[user] == nil, known.count >= Self.userLimit { known = [:] }
        known[user] = Array(([pid] + self[user].filter { $0 != pid }).prefix(Self.limitPerUser))
    }
}
