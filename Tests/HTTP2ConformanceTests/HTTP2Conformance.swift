import Testing

/// What RFC 9113 and RFC 7541 require of a server, as far as a client can see it, section by section: each table of
/// requirements is one test, run for calls that end at an HTTP/1.1 workload and at an HTTP/2 one.
@Suite(.testedServer) struct HTTP2Conformance {}
