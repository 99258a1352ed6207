package import Diagnostics

extension Diagnostic.Code {
    /// A namespace or a hostname that is Heddle's own.
    package static let reservedName = Self("manifest.reserved-name")
    /// A field that its mapping does not have.
    package static let unknownField = Self("manifest.unknown-field")
    /// A field that must be there and is not.
    package static let missingField = Self("manifest.missing-field")
    /// A value of another type than the field's: a list for a string, a quoted number for a number.
    package static let wrongType = Self("manifest.wrong-type")
    /// A value of the right type that the field cannot have.
    package static let invalidValue = Self("manifest.invalid-value")
    /// A number, duration or length outside its range.
    package static let outOfRange = Self("manifest.out-of-range")
    /// A kind that there is not.
    package static let unknownKind = Self("manifest.unknown-kind")
    /// An `apiVersion` other than `heddle/v1`.
    package static let unknownVersion = Self("manifest.unknown-version")
    /// Part of Heddle's specification that this version does not have yet.
    package static let notAvailable = Self("manifest.not-available")
    /// Fields that exclude each other, or one without another that it needs.
    package static let conflictingFields = Self("manifest.conflicting-fields")
    /// The same name, header or item twice in one list.
    package static let duplicateItem = Self("manifest.duplicate-item")
    /// A header that a filter must not touch, because the proxy answers for it.
    package static let protectedHeader = Self("manifest.protected-header")
    /// An address that must be of this host alone, and is not.
    package static let notLoopback = Self("manifest.not-loopback")
    /// A file with more mistakes than are listed.
    package static let tooManyMistakes = Self("manifest.too-many-mistakes")
}
