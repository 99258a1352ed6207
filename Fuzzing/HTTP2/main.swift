import FuzzKit
import WireChecks

FuzzLoop.explore(
    name: "http2",
    dictionary: [
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "\0\0\0\u{4}\0\0\0\0\0", "\0\0\0\u{4}\u{1}\0\0\0\0",
        "\0\0\u{8}\u{6}\0\0\0\0\0abcdefgh", "\0\0\u{4}\u{3}\0\0\0\0\u{1}\0\0\0\u{8}",
        "\0\0\u{4}\u{8}\0\0\0\0\u{1}\0\0\0\u{1}",
        "\0\0\0\0\u{1}\0\0\0\u{1}", "\0\0\u{1}\0\0\0\0\0\u{1}a", "\0\0\u{8}\u{7}\0\0\0\0\0\0\0\0\0\0\0\0\0",
        "\0\0\0\u{9}\u{4}\0\0\0\u{1}", "\0\u{7}:method\u{3}GET", "\0\u{7}:scheme\u{5}https", "\0\u{5}:path\u{1}/",
        "\0\u{A}:authority\u{1}a", "\0\u{7}:status\u{3}200", "\0\u{E}content-length\u{1}3",
        "\0\u{9}:protocol\u{9}websocket",
        "\0\u{6}cookie\u{3}a=1", "\0\u{2}te\u{8}trailers", "\0\u{4}host\u{1}a", "\0\u{7}:method\u{7}CONNECT",
        "\0\0\u{E}\u{1}\u{5}\0\0\0\u{3}", "\0\0\u{6}\u{4}\0\0\0\0\0\0\u{4}\0\0\0\0", "\u{40}\u{1}x\u{1}y",
        "\u{10}\u{1}x\u{1}y",
    ],
    body: HTTP2Checks.check)
