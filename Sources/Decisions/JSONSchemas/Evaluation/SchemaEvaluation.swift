import ConfigValues
import Diagnostics

/// Why a value could not be held against a schema to the end.
enum SchemaStop: Error {
    case tooManySteps
    case tooDeep
    /// A dynamic reference that leads back to a subschema which is being applied to the same value.
    case loop(SourcePosition)
}

/// Holds one value against a program. What is under way is a list of frames, so that neither schema nor value decides how deep the
/// stack is.
struct SchemaEvaluation {
    let program: SchemaProgram
    let limits: SchemaLimits
    private var stepsLeft: Int
    var frames: [SchemaFrame] = []
    /// Of the frames that mark, one behind the other: a bit for each member or item that has been evaluated.
    private var marks: [UInt64] = []
    /// What is wrong with the value, if it is told.
    var mistakes: [Diagnostic] = []

    init(_ program: SchemaProgram, _ limits: SchemaLimits) {
        self.program = program
        self.limits = limits
        stepsLeft = limits.stepCount
    }

    /// - Parameter isQuiet: Whether the answer is all that is wanted; it is found sooner then.
    mutating func run(_ value: ConfigValue, isQuiet: Bool) throws(SchemaStop) -> Bool {
        let root = SchemaApplication(
            node: program.root, value: value, way: .same, keyword: .schema, isQuiet: isQuiet)
        var answer = try begin(root)
        while !frames.isEmpty {
            answer = try advance(answer)
            if let answer { end(answer) }
        }
        return answer ?? true
    }

    mutating func charge(_ steps: Int) throws(SchemaStop) {
        stepsLeft -= steps
        guard stepsLeft >= 0 else { throw .tooManySteps }
    }

    /// - Returns: Whether it holds; `nil`: that is seen when its frame, now on top, has advanced.
    private mutating func begin(_ application: SchemaApplication) throws(SchemaStop) -> Bool? {
        try charge(1)
        guard !program.nodes[application.node].isLeaf else { return try holdsAlone(application) }
        let below = frames.last
        let depth = (below?.depth ?? 0) + (application.way.isSame ? 0 : 1)
        guard depth <= limits.depth, frames.count < limits.nestingCount else { throw .tooDeep }
        let isMarkedBelow = application.way.isSame && application.isEvaluation && below?.marks ?? false
        let marksIt = isMarkedBelow || program.nodes[application.node].asksWhatIsEvaluated
        let firstMark = marks.count
        if marksIt {
            let words = application.value.memberCount / 64 + 1
            try charge(words)
            marks.append(contentsOf: repeatElement(0, count: words))
        }
        frames.append(SchemaFrame(application: application, depth: depth, marks: marksIt, firstMark: firstMark))
        return nil
    }

    /// All rules of a subschema that needs no other, if no mistake is told.
    mutating func holdsQuietly(_ node: Int, _ value: ConfigValue) throws(SchemaStop) -> Bool {
        try charge(1)
        for rule in program.nodes[node].rules {
            try charge(1)
            guard try holds(rule.test, value) else { return false }
        }
        return true
    }

    /// The same; mistakes are told.
    private mutating func holdsAlone(_ application: SchemaApplication) throws(SchemaStop) -> Bool {
        guard !application.isQuiet else { return try holdsQuietly(application.node, application.value) }
        var isValid = true
        for rule in program.nodes[application.node].rules {
            try charge(1)
            guard try !holds(rule.test, application.value) else { continue }
            isValid = false
            report(rule, application)
        }
        return isValid
    }

    /// Goes on with the subschema on top.
    /// - Parameter answer: Of the one that was above it.
    /// - Returns: Whether it holds; `nil`: there is one above it now.
    private mutating func advance(_ answer: Bool?) throws(SchemaStop) -> Bool? {
        var answer = answer
        let top = frames.count - 1
        let node = frames[top].application.node
        let isQuiet = frames[top].application.isQuiet
        while frames[top].rule < program.nodes[node].rules.count {
            let rule = program.nodes[node].rules[frames[top].rule]
            try charge(1)
            let move = try self.move(rule, top, answer)
            switch move {
            case .apply(let application):
                answer = try begin(application)
                if answer == nil { return nil }
            case .decided(let holds):
                answer = nil
                if !holds {
                    frames[top].isValid = false
                    if isQuiet || mistakes.count >= limits.mistakeCount { return false }
                }
                frames[top].rule += 1
                frames[top].progress = SchemaFrame.Progress()
            }
        }
        return frames[top].isValid
    }

    /// What a rule does next.
    enum Move {
        case apply(SchemaApplication)
        case decided(Bool)
    }

    private mutating func move(_ rule: SchemaRule, _ top: Int, _ answer: Bool?) throws(SchemaStop) -> Move {
        switch rule.test.phase {
        case .throughOthers, .afterAll: return try next(rule, top, answer)
        case .alone:
            let holds = try holds(rule.test, frames[top].application.value)
            if !holds, !frames[top].application.isQuiet { report(rule) }
            return .decided(holds)
        }
    }

    /// Takes the topmost frame off. What it has marked is evaluated for the one below, too, if it holds; if mistakes are told, in any
    /// case, so that none is told again as one of what nobody has evaluated.
    private mutating func end(_ isValid: Bool) {
        guard let frame = frames.popLast(), frame.marks else { return }
        if let below = frames.last, below.marks, frame.application.way.isSame, frame.application.isEvaluation,
            isValid || !frame.application.isQuiet
        {
            for index in frame.firstMark..<marks.count {
                marks[below.firstMark + index - frame.firstMark] |= marks[index]
            }
        }
        marks.removeLast(marks.count - frame.firstMark)
    }

    /// Of the frame's value.
    mutating func mark(_ member: Int, in frame: Int) {
        guard frames[frame].marks else { return }
        marks[frames[frame].firstMark + member / 64] |= 1 << UInt64(member % 64)
    }

    func isMarked(_ member: Int, in frame: Int) -> Bool {
        marks[frames[frame].firstMark + member / 64] >> UInt64(member % 64) & 1 == 1
    }
}

extension ConfigValue {
    /// Of a map or list.
    var memberCount: Int {
        switch content {
        case .map(let map): map.count
        case .list(let list): list.count
        default: 0
        }
    }
}
