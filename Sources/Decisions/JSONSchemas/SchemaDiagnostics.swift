package import Diagnostics

extension Diagnostic.Code {
    /// A value that its schema does not fit.
    package static let schemaRefusedValue = Self("schema.refused-value")
    /// A value that its schema would judge too slowly, or that is nested too deeply for it.
    package static let schemaTooSlow = Self("schema.too-slow")
    /// What is no JSON Schema of draft 2020-12.
    package static let schemaInvalid = Self("schema.invalid")
    /// `$schema` or `$vocabulary` names what is not known.
    package static let schemaUnknownDialect = Self("schema.unknown-dialect")
    /// A reference to what is not at hand.
    package static let schemaUnknownReference = Self("schema.unknown-reference")
    /// A regular expression that cannot be matched in one pass, or is none.
    package static let schemaExpression = Self("schema.expression")
    /// A schema that applies itself to one value without end.
    package static let schemaLoop = Self("schema.loop")
    /// A schema of too many bytes, subschemas, levels or characters in expressions.
    package static let schemaTooLarge = Self("schema.too-large")
    /// A keyword that means nothing here, and looks as if it should.
    package static let schemaUnknownKeyword = Self("schema.unknown-keyword")
}
