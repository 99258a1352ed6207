import FuzzKit
import WireChecks

FuzzLoop.explore(
    name: "http1",
    dictionary: [
        "\r\n", "\r\n\r\n", "GET ", "POST ", "CONNECT ", "OPTIONS * ", " HTTP/1.1\r\n", " HTTP/1.0\r\n", "Host: a\r\n",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 304 \r\n", "HTTP/1.1 100 \r\n", "Content-Length: 5\r\n", "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n", "chunked", "gzip, ", "0\r\n\r\n", "5\r\nhello\r\n", "Connection: close\r\n",
        "Connection: upgrade\r\nUpgrade: x\r\n", "Expect: 100-continue\r\n", "http://a/", "https://a:443", "%2e", "../",
        "\t", "x: y\r\n",
        "7fffffffffffffff\r\n", "Trailer: t\r\n", "t: v\r\n",
    ],
    body: HTTP1Checks.check)
