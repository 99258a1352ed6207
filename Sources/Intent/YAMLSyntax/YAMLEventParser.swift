import CLibYAML

/// libyaml's event parser over a piece of text: the only door to it.
///
/// SAFETY: `parser` is initialised in `init`, private, and freed once in `deinit`; `text` holds the bytes that it reads
/// and lives exactly as long. No pointer leaves this file.
@safe
struct YAMLEventParser: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let text: UnsafeMutableBufferPointer<UInt8>
    /// Where the last event began and ended.
    private(set) var start = YAMLMark(line: 0, column: 0)
    private(set) var end = YAMLMark(line: 0, column: 0)

    /// - Parameter bytes: UTF-8 without a byte order mark.
    init(_ bytes: ArraySlice<UInt8>) {
        unsafe text = .allocate(capacity: bytes.count)
        _ = unsafe text.initialize(from: bytes)
        unsafe parser = .allocate(capacity: 1)
        begin(at: 0)
    }

    /// Forgets what was read, and begins anew with the byte at `offset`; marks count from there.
    mutating func restart(at offset: Int) {
        unsafe yaml_parser_delete(parser)
        begin(at: offset)
    }

    private func begin(at offset: Int) {
        let rest = unsafe UnsafeMutableBufferPointer(rebasing: text[offset...])
        guard unsafe yaml_parser_initialize(parser) == 1 else { fatalError("out of memory") }
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        unsafe yaml_parser_set_input_string(parser, rest.baseAddress, rest.count)
    }

    deinit {
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe text.deallocate()
    }

    /// The next event. After `streamEnd` or an error there is none, and it must not be called again.
    mutating func next() throws(YAMLSyntaxError) -> YAMLEvent {
        while true {
            var event = unsafe yaml_event_t()
            guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw failure }
            defer { unsafe yaml_event_delete(&event) }
            start = unsafe YAMLMark(event.start_mark)
            end = unsafe YAMLMark(event.end_mark)
            switch unsafe event.type {
            case YAML_DOCUMENT_START_EVENT: return .documentStart
            case YAML_DOCUMENT_END_EVENT: return .documentEnd
            case YAML_STREAM_END_EVENT: return .streamEnd
            case YAML_ALIAS_EVENT: return .alias(unsafe Self.string(event.data.alias.anchor) ?? "")
            case YAML_SCALAR_EVENT:
                let scalar = unsafe event.data.scalar
                let value = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
                return .scalar(
                    YAMLScalar(
                        text: unsafe String(decoding: value, as: UTF8.self),
                        isPlain: unsafe scalar.style == YAML_PLAIN_SCALAR_STYLE),
                    properties: unsafe Self.properties(scalar.anchor, scalar.tag))
            case YAML_SEQUENCE_START_EVENT:
                let sequence = unsafe event.data.sequence_start
                return .sequenceStart(properties: unsafe Self.properties(sequence.anchor, sequence.tag))
            case YAML_SEQUENCE_END_EVENT: return .sequenceEnd
            case YAML_MAPPING_START_EVENT:
                let mapping = unsafe event.data.mapping_start
                return .mappingStart(properties: unsafe Self.properties(mapping.anchor, mapping.tag))
            case YAML_MAPPING_END_EVENT: return .mappingEnd
            default: continue  // the start of the stream, which says nothing
            }
        }
    }

    private var failure: YAMLSyntaxError {
        let parser = unsafe self.parser.pointee
        let problem = unsafe parser.problem.map { unsafe String(cString: $0) }
        let hasContext = unsafe parser.context != nil
        return YAMLSyntaxError(
            problem: problem ?? "out of memory", mark: YAMLMark(unsafe parser.problem_mark),
            contextMark: hasContext ? YAMLMark(unsafe parser.context_mark) : nil)
    }

    private static func properties(
        _ anchor: UnsafeMutablePointer<yaml_char_t>?, _ tag: UnsafeMutablePointer<yaml_char_t>?
    ) -> YAMLProperties? {
        if unsafe anchor == nil && tag == nil { return nil }
        return YAMLProperties(anchor: unsafe string(anchor), tag: unsafe string(tag))
    }

    private static func string(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        return unsafe String(cString: pointer)
    }
}

extension YAMLMark {
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(mark.line), column: Int(mark.column))
    }
}
