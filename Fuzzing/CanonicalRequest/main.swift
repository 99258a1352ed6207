import FuzzKit
import WireChecks

FuzzLoop.explore(
    name: "canonical-request",
    dictionary: [
        "/", "//", "/./", "/../", "/..", "/.", "%2e", "%2E%2e", "%2f", "%5C", "%00", "%25", "%2561", "%7e", "%c3%bc",
        "\\", "?", "#", "\n",
        "[::1]", "[fe80::1%25eth0]", ":80", ":65536", ".", "..", "example.com", "EXAMPLE.com.", "xn--", "1.2.3.4",
        "::ffff:1.2.3.4",
    ],
    body: CanonicalRequestChecks.check)
