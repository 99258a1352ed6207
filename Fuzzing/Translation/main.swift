import FuzzKit
import WireChecks

FuzzLoop.explore(
    name: "translation",
    dictionary: [
        "\r\n", "\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\n", "POST ", "CONNECT a:1 HTTP/1.1\r\n", "OPTIONS * ",
        "HTTP/1.1 200 OK\r\n", "HTTP/1.1 204 \r\n", "HTTP/1.1 103 \r\n", "Host: a\r\n", "Host: a:81\r\n",
        "Cookie: a=1; b=2\r\n",
        "Cookie: \r\n", "; ", ";  ", " ;", "TE: trailers\r\n", "Connection: x, close\r\n",
        "Connection: upgrade\r\nUpgrade: websocket\r\n",
        "Content-Length: 5\r\n", "Transfer-Encoding: chunked\r\n", "Keep-Alive: 1\r\n", "Set-Cookie: a\r\n", "x: y\r\n",
        ":method: GET\n", ":scheme: https\n", ":authority: a\n", ":path: /\n", "host: a\n", "cookie: a=1\n",
        "te: trailers\n",
        ":method: CONNECT\n", ":protocol: websocket\n", "content-length: 3\n", "x: a\rb\n", "?", "%2f", "/../",
        "\u{E4}",
    ],
    body: TranslationChecks.check)
