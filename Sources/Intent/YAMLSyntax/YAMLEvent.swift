/// What libyaml reports, one at a time.
enum YAMLEvent {
    case documentStart
    case documentEnd
    case streamEnd
    case scalar(YAMLScalar, properties: YAMLProperties?)
    case alias(String)
    case sequenceStart(properties: YAMLProperties?)
    case sequenceEnd
    case mappingStart(properties: YAMLProperties?)
    case mappingEnd
}

/// The anchor and the tag before a value.
struct YAMLProperties {
    /// Without its `&`.
    var anchor: String?
    /// Resolved: `tag:yaml.org,2002:str`, `!local`.
    var tag: String?
}

/// A place in the text given to libyaml.
struct YAMLMark {
    /// From 0.
    var line: Int
    /// From 0, in Unicode scalars.
    var column: Int
}

/// Why libyaml gave up, in its own words.
struct YAMLSyntaxError: Error {
    /// Such as `did not find expected key`.
    let problem: String
    let mark: YAMLMark
    /// Where what could not be read began, where libyaml knows it.
    let contextMark: YAMLMark?
}
