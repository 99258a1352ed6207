import ConfigValues
package import Diagnostics

extension Diagnostic.Code {
    /// The tree of a source, or the defaults, is no map.
    package static let configNotAMap = Self("config.not-a-map")
    /// Layers have values of different types for one path.
    package static let configTypeClash = Self("config.type-clash")
    /// An item of a list with a merge key that has none, or has another one's.
    package static let configMergeKey = Self("config.merge-key")
    /// A reference that cannot be read.
    package static let configBrokenReference = Self("config.broken-reference")
    /// A reference to what is not there.
    package static let configUnknownReference = Self("config.unknown-reference")
    /// References that lead back to where they stand.
    package static let configReferenceCycle = Self("config.reference-cycle")
    /// A reference within a text to what is no text.
    package static let configReferenceInText = Self("config.reference-in-text")
    /// More references than are followed.
    package static let configTooManyReferences = Self("config.too-many-references")
    /// References or fallbacks copy more than they may.
    package static let configTooLarge = Self("config.too-large")
    /// References or fallbacks nest what they copy too deeply.
    package static let configTooDeep = Self("config.too-deep")
}

/// What goes wrong where layers meet. No message has anything of a value: paths, types and places only, since a value may be secret.
enum MergingMistake {
    static func notAMap(_ value: ConfigValue) -> Diagnostic {
        Diagnostic(
            .configNotAMap, at: value.origin.position, found: value.typeName,
            expected: "a map, as the whole of what \(value.origin.layer) has",
            remedy: "put the value below a key; for a source that has no key, write {}")
    }

    /// - Parameter upper: What is not taken, for it is of another type than `lower`.
    static func clash(_ upper: ConfigValue, over lower: ConfigValue, at path: ConfigPath) -> Diagnostic {
        Diagnostic(
            .configTypeClash, at: upper.origin.position,
            found: "\(upper.typeName) for \(path.shown)",
            expected: "\(lower.shape.name), as \(lower.origin.place) has there",
            remedy: "give both the same type; or remove the lower one with null in a source between them")
    }

    /// A map, over a reference.
    static func clash(_ upper: ConfigValue, overReference lower: ConfigValue, at path: ConfigPath) -> Diagnostic {
        Diagnostic(
            .configTypeClash, at: upper.origin.position,
            found: "a map for \(path.shown), over the reference of \(lower.origin.place)",
            expected: "a scalar, a list or a reference: what a reference leads to is known after the merge only",
            remedy: "have the map in the place that the reference leads to, or remove one of the two")
    }

    /// - Parameter reference: Stands over something, and leads to what is of another type.
    static func clash(_ value: ConfigValue, by reference: ConfigValue, _ check: ReferenceCheck) -> Diagnostic {
        Diagnostic(
            .configTypeClash, at: reference.origin.position,
            found: "a reference for \(check.path.shown), to \(value.typeName) of \(value.origin.place)",
            expected: "\(check.shape.name), as \(check.origin.place) has there",
            remedy: "give both the same type; or remove the lower one with null in a source between them")
    }

    /// A fallback would have to make a map of something else.
    static func clash(_ fallback: ConfigFallback, in value: ConfigValue, at path: ConfigPath) -> Diagnostic {
        Diagnostic(
            .configTypeClash, at: fallback.position,
            found:
                "a fallback for \(fallback.path.shown), where \(path.shown) is \(value.typeName) of \(value.origin.place)",
            expected: "a map or nothing on the way to a fallback's path, or an item that its list has",
            remedy: "correct the path, or remove what is in the way")
    }

    static func brokenReference(_ mistake: ReferenceTemplate.Mistake, in text: ConfigValue, at path: ConfigPath)
        -> Diagnostic
    {
        // What stands between the braces is part of a value.
        let isSecret = text.origin.isSecret
        return Diagnostic(
            .configBrokenReference, at: text.origin.position,
            found: isSecret
                ? "a reference that cannot be read, in \(path.shown)" : "\(mistake.found), in \(path.shown)",
            expected: isSecret ? "${path}, or $${ where the text itself is meant" : mistake.expected,
            remedy: isSecret ? "correct the reference" : mistake.remedy)
    }

    static func unknownReference(_ target: ConfigPath, in text: ConfigValue, at path: ConfigPath) -> Diagnostic {
        let shown = text.origin.isSecret ? "a reference" : "the reference ${\(target.shown)}"
        return Diagnostic(
            .configUnknownReference, at: text.origin.position,
            found: "\(shown) in \(path.shown), to what is not there",
            expected: "the path of a value of the merged config",
            remedy: "correct the path, or give it a value in the defaults; or write $${ where the text itself is meant")
    }

    static func referenceInText(_ value: ConfigValue, _ target: ConfigPath, in text: ConfigValue, at path: ConfigPath)
        -> Diagnostic
    {
        let shown = text.origin.isSecret ? "a reference" : "the reference ${\(target.shown)}"
        return Diagnostic(
            .configReferenceInText, at: text.origin.position,
            found: "\(shown) within the text of \(path.shown), to \(value.typeName) of \(value.origin.place)",
            expected: "a text, a number, true or false within a text",
            remedy: "refer to a scalar below it, or have the reference be the whole text")
    }

    /// - Parameter way: Where references stand, and what they lead to, from a path back to itself.
    static func cycle(_ way: [ConfigPath], in text: ConfigValue) -> Diagnostic {
        let shown =
            way.count > 10 ? way.prefix(5).map(\.shown) + ["…"] + way.suffix(4).map(\.shown) : way.map(\.shown)
        return Diagnostic(
            .configReferenceCycle, at: text.origin.position,
            found: "references that lead back to where they stand: \(shown.joined(separator: " -> "))",
            expected: "references that end at a value",
            remedy: "have one of them hold a value of its own")
    }

    static func tooManyReferences(_ limits: MergingLimits, in text: ConfigValue) -> Diagnostic {
        Diagnostic(
            .configTooManyReferences, at: text.origin.position,
            found: "more than \(limits.references) references", expected: "at most \(limits.references) in a config",
            remedy: "refer to maps instead of to each of their values, or divide the config")
    }

    static func tooLarge(_ limits: MergingLimits, at position: SourcePosition) -> Diagnostic {
        Diagnostic(
            .configTooLarge, at: position,
            found:
                "references and fallbacks that copy more than \(limits.expansionByteCount) bytes, this one with others",
            expected: "at most \(limits.expansionByteCount) bytes",
            remedy: "look for references to what holds many references itself")
    }

    static func tooDeep(_ limits: MergingLimits, at position: SourcePosition, path: ConfigPath) -> Diagnostic {
        Diagnostic(
            .configTooDeep, at: position,
            found: "what is copied to \(path.shown) is nested deeper than \(limits.depth) levels there",
            expected: "at most \(limits.depth) levels", remedy: "refer to something further inside")
    }

    static func withoutMergeKey(_ item: ConfigValue, _ key: String, at path: ConfigPath) -> Diagnostic {
        let isMap = item.map != nil
        return Diagnostic(
            .configMergeKey, at: item.origin.position,
            found: isMap
                ? "an item of \(path.shown) without a scalar for \(Diagnostic.quoted(key))"
                : "\(item.typeName) as an item of \(path.shown)",
            expected: "a map with \(Diagnostic.quoted(key)), by which the items of this list are told apart",
            remedy: "add the key, or take the list out of mergeKeys")
    }

    static func mergeKeyTwice(_ item: ConfigValue, _ key: String, first: ConfigValue, at path: ConfigPath) -> Diagnostic
    {
        Diagnostic(
            .configMergeKey, at: item.origin.position,
            found: "an item of \(path.shown) with the same \(Diagnostic.quoted(key)) as another of this list",
            expected: "each once in a list: the other one is at \(first.origin.position)",
            remedy: "change one of the two, or remove it")
    }
}

extension ConfigPath {
    /// For people: whoever writes a path may write a long one.
    fileprivate var shown: String {
        let text = dotted
        return text.utf8.count <= 200 ? text : String(text.unicodeScalars.prefix(150)) + "…"
    }
}

extension ValueOrigin {
    /// For people: `shop/base (base.yaml:3:7)`.
    var place: String { "\(layer) (\(position))" }
}

extension ConfigValue.Shape {
    /// Any scalar may stand over any other.
    fileprivate var name: String {
        switch self {
        case .list: "a list"
        case .map: "a map"
        case .null, .scalar, .reference: "a scalar"
        }
    }
}
