import HTTPSemantics

/// What the sessions of one worker have in common: memory for a head on its way in or out. Used on one thread only.
package final class HTTP2Memory {
    var encoder = HTTP2FieldEncoder()
    /// For strings that came compressed.
    var strings = ByteBuffer()

    package init() {}
}
