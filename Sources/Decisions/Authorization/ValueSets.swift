import HTTPSemantics
import Manifests

/// The values of one field, as ranges of the tables they lie in. Whether a string is in the set takes a binary search a
/// kind of pattern, so that a field with 10,000 values costs little more than one with ten.
struct StringSet {
    /// In byte order.
    var exact = TableRange.empty
    /// In byte order; none is a prefix of another, so that only the last one not after a string can be its prefix.
    var prefixes = TableRange.empty
    /// In the order of their reversed bytes; none is a suffix of another.
    var suffixes = TableRange.empty
    var templates = TableRange.empty
    /// `*`: any value that is not empty.
    var matchesPresent = false
    /// Bits of `KnownMethod` that stand in `exact`; only for methods.
    var knownMethods: UInt16 = 0
}

/// `/orders/{*}/items/{**}`.
struct PathTemplate {
    let segments: TableRange
    let rest: Rest

    /// What may follow the segments.
    enum Rest {
        /// The template has no final `{**}`.
        case nothing
        /// A slash and anything, as Istio has it: `/orders/{**}` is not `/orders`.
        case slash
        /// The same, or nothing.
        case anything
    }
}

/// One segment of a template; `literal` is `nil` for `{*}`.
struct TemplateSegment {
    let literal: TableRange?
}

/// Addresses from `first` to `last`, both included.
struct AddressRange {
    let first: UInt128
    let last: UInt128
}

/// All values of all fields of a program.
struct ValueSets {
    private(set) var bytes: [UInt8] = []
    private(set) var patterns: [TableRange] = []
    private(set) var templates: [PathTemplate] = []
    private(set) var segments: [TemplateSegment] = []
    private(set) var strings: [StringSet] = []
    private(set) var addressRanges: [AddressRange] = []
    private(set) var addresses: [TableRange] = []
    private(set) var portValues: [UInt16] = []
    private(set) var ports: [TableRange] = []

    // MARK: Adding

    /// - Returns: None for no values.
    mutating func addStrings(_ values: [StringPattern], isMethods: Bool = false) -> SetIndex {
        guard !values.isEmpty else { return .none }
        strings.append(stringSet(values, isMethods: isMethods))
        return SetIndex(strings.count - 1)
    }

    /// - Parameter rest: What a final `{**}` stands for.
    /// - Returns: None for no values.
    mutating func addPaths(_ values: [Located<PathPattern>], rest: PathTemplate.Rest) -> SetIndex {
        guard !values.isEmpty else { return .none }
        var plain: [StringPattern] = []
        var added: [PathTemplate] = []
        for value in values {
            switch value.value {
            case .string(let pattern):
                plain.append(pattern)
            case .template(let parts, let matchesRest):
                let start = segments.count
                for part in parts {
                    switch part {
                    case .any: segments.append(TemplateSegment(literal: nil))
                    case .literal(let text): segments.append(TemplateSegment(literal: addBytes(text.utf8)))
                    }
                }
                added.append(
                    PathTemplate(segments: TableRange(start, parts.count), rest: matchesRest ? rest : .nothing))
            }
        }
        var set = stringSet(plain, isMethods: false)
        set.templates = TableRange(templates.count, added.count)
        templates.append(contentsOf: added)
        strings.append(set)
        return SetIndex(strings.count - 1)
    }

    /// - Returns: None for no values.
    mutating func addAddresses(_ blocks: [Located<AddressBlock>]) -> SetIndex {
        guard !blocks.isEmpty else { return .none }
        let sorted = blocks.map { AddressRange($0.value) }.sorted { $0.first < $1.first }
        let start = addressRanges.count
        for range in sorted {
            if addressRanges.count > start, let last = addressRanges.last, range.first <= last.last {
                addressRanges[addressRanges.count - 1] = AddressRange(
                    first: last.first, last: max(last.last, range.last))
            } else {
                addressRanges.append(range)
            }
        }
        addresses.append(TableRange(start, addressRanges.count - start))
        return SetIndex(addresses.count - 1)
    }

    /// - Returns: None for no values.
    mutating func addPorts(_ values: [Located<UInt16>]) -> SetIndex {
        guard !values.isEmpty else { return .none }
        ports.append(TableRange(portValues.count, values.count))
        portValues.append(contentsOf: values.map(\.value).sorted())
        return SetIndex(ports.count - 1)
    }

    /// - Returns: where the bytes stand.
    mutating func addBytes(_ text: some Collection<UInt8>) -> TableRange {
        let range = TableRange(bytes.count, text.count)
        bytes.append(contentsOf: text)
        return range
    }

    private mutating func stringSet(_ values: [StringPattern], isMethods: Bool) -> StringSet {
        var set = StringSet()
        var exact: [[UInt8]] = []
        var prefixes: [[UInt8]] = []
        var suffixes: [[UInt8]] = []
        for value in values {
            switch value {
            case .exact(let text):
                exact.append(Array(text.utf8))
                if isMethods, let bit = KnownMethod(exactly: text) { set.knownMethods |= 1 << UInt16(bit.rawValue) }
            case .prefix(let text): prefixes.append(Array(text.utf8))
            case .suffix(let text): suffixes.append(text.utf8.reversed())
            case .present: set.matchesPresent = true
            }
        }
        set.exact = addPatterns(exact, areReversed: false, areShortestOnly: false)
        set.prefixes = addPatterns(prefixes, areReversed: false, areShortestOnly: true)
        set.suffixes = addPatterns(suffixes, areReversed: true, areShortestOnly: true)
        return set
    }

    private mutating func addPatterns(
        _ texts: [[UInt8]], areReversed: Bool, areShortestOnly: Bool
    ) -> TableRange {
        let sorted = texts.count > 1 ? texts.sorted { $0.lexicographicallyPrecedes($1) } : texts
        let start = patterns.count
        var last: [UInt8]?
        for text in sorted {
            if let last, areShortestOnly ? text.starts(with: last) : text == last { continue }
            patterns.append(areReversed ? addBytes(text.reversed()) : addBytes(text))
            last = text
        }
        return TableRange(start, patterns.count - start)
    }
}

extension AddressRange {
    init(_ block: AddressBlock) {
        let base = UInt128(block.high) << 64 | UInt128(block.low)
        let hostBits = 128 - Int(min(block.prefixLength, 128))
        let mask: UInt128 = hostBits == 128 ? .max : (1 << hostBits) - 1
        first = base & ~mask
        last = base | mask
    }
}

extension KnownMethod {
    /// - Returns: `nil` for a method without a bit of its own.
    init?(exactly text: String) {
        switch text {
        case "GET": self = .get
        case "HEAD": self = .head
        case "POST": self = .post
        case "PUT": self = .put
        case "DELETE": self = .delete
        case "CONNECT": self = .connect
        case "OPTIONS": self = .options
        case "TRACE": self = .trace
        case "PATCH": self = .patch
        default: return nil
        }
    }
}
