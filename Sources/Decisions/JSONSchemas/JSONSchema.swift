package import ConfigValues
package import Diagnostics

/// A JSON Schema of draft 2020-12, compiled: what values are held against. `format` and `content…` demand nothing.
package struct JSONSchema: Sendable {
    private let program: SchemaProgram
    private let limits: SchemaLimits
    private let position: SourcePosition

    /// - Parameters:
    ///   - uri: Where the schema was found: its references are relative to it, unless it has an `$id`.
    ///   - registry: What references may lead to.
    ///   - problems: Mistakes of the schema and of what it refers to, and warnings, are added.
    /// - Returns: `nil`: there is an error among the problems.
    package init?(
        _ schema: ConfigValue, at uri: String = "", registry: SchemaRegistry = SchemaRegistry(),
        limits: SchemaLimits = SchemaLimits(), problems: inout [Diagnostic]
    ) {
        precondition((1...256).contains(limits.depth))
        self.init(schema, at: uri, registry, limits, checkedBy: [], problems: &problems)
    }

    /// - Parameter metaschemas: Of those that this one is the metaschema of.
    private init?(
        _ schema: ConfigValue, at uri: String, _ registry: SchemaRegistry, _ limits: SchemaLimits,
        checkedBy metaschemas: [String], problems: inout [Diagnostic]
    ) {
        var compiler = SchemaCompiler(registry, limits)
        let program = compiler.compile(schema, at: SchemaURI(uri).withoutFragment)
        problems += compiler.problems.diagnostics.sortedByPosition()
        guard let program else { return nil }
        self.program = program
        self.limits = limits
        position = schema.origin.position
        guard Self.meetMetaschemas(compiler.index, checkedBy: metaschemas, &problems) else { return nil }
    }

    /// All mistakes of a value, up to a limit; none: it is as the schema demands.
    package func mistakes(in value: ConfigValue) -> [Diagnostic] {
        do throws(SchemaStop) {
            var quick = SchemaEvaluation(program, limits)
            if try quick.run(value, isQuiet: true) { return [] }
            var thorough = SchemaEvaluation(program, limits)
            _ = try thorough.run(value, isQuiet: false)
            // Whatever the second look says, the first one has refused it.
            return thorough.mistakes.isEmpty ? [unexplained(value)] : thorough.mistakes.sortedByPosition()
        } catch {
            return [diagnostic(of: error, value)]
        }
    }

    private func unexplained(_ value: ConfigValue) -> Diagnostic {
        Diagnostic(
            .schemaRefusedValue, at: value.origin.position, found: value.typeName, expected: "what the schema says",
            remedy: "change it, or the schema (\(position))")
    }

    private func diagnostic(of stop: SchemaStop, _ value: ConfigValue) -> Diagnostic {
        switch stop {
        case .tooManySteps:
            Diagnostic(
                .schemaTooSlow, at: value.origin.position,
                found: "a value that takes more than \(limits.stepCount) steps to hold against its schema",
                expected: "fewer steps", remedy: "simplify the schema (\(position)), or divide the value")
        case .tooDeep:
            Diagnostic(
                .schemaTooSlow, at: value.origin.position,
                found: "a value nested deeper than \(limits.depth), or subschemas that ask each other more than "
                    + "\(limits.nestingCount) times",
                expected: "less nesting", remedy: "nest less deeply, or simplify the schema (\(position))")
        case .loop(let position):
            Diagnostic(
                .schemaLoop, at: position,
                found: "a dynamic reference that leads back to a subschema that is being applied",
                expected: "references that lead into the value before they lead back",
                remedy: "remove it, or the dynamic anchor that it leads to")
        }
    }
}

/// Metaschemas of one's own: what they demand is not known beforehand.
extension JSONSchema {
    /// One's metaschema has one itself, and so on: 8.
    private static let maximumMetaschemaCount = 8

    private static func meetMetaschemas(
        _ index: SchemaIndex, checkedBy metaschemas: [String], _ problems: inout [Diagnostic]
    ) -> Bool {
        let known = Set(metaschemas + [Metaschemas.standard])
        let resources = index.resources.filter { !$0.isPartOfDialect && !known.contains($0.dialect.uri) }
        var areMet = true
        for uri in Set(resources.map(\.dialect.uri)).sorted() {
            let schemas = resources.filter { $0.dialect.uri == uri }.map { index.places[$0.root].schema }
            guard metaschemas.count < maximumMetaschemaCount else {
                problems.append(tooManyMetaschemas(at: schemas[0]))
                return false
            }
            guard case .document(let document) = index.registry.find(SchemaURI(uri)),
                let metaschema = JSONSchema(
                    document.schema, at: document.uri, index.registry, index.limits, checkedBy: metaschemas + [uri],
                    problems: &problems)
            else { return false }
            let mistakes = schemas.flatMap { metaschema.mistakes(in: $0) }.prefix(index.limits.mistakeCount)
            problems += mistakes.map { $0.of(.schemaInvalid) }
            areMet = areMet && mistakes.isEmpty
        }
        return areMet
    }

    private static func tooManyMetaschemas(at schema: ConfigValue) -> Diagnostic {
        Diagnostic(
            .schemaUnknownDialect, at: schema.origin.position,
            found: "a metaschema of a metaschema, more than \(maximumMetaschemaCount) times", expected: "fewer",
            remedy: "have one of them name draft 2020-12")
    }
}

extension Diagnostic {
    fileprivate func of(_ code: Code) -> Diagnostic {
        Diagnostic(code, severity, at: position, found: found, expected: expected, remedy: remedy)
    }
}
