"""What the fuzzer takes for well-formed, and what it does not."""

import struct
import unittest

import http2
from audit import Answers, Frames
from http2 import PREFACE, ProtocolError, block, frame, setting

HELLO = frame(http2.SETTINGS, 0, 0)


def head(number: int, status: bytes = b"200", ends: bool = False, more: list = []) -> bytes:
    flags = http2.END_HEADERS | (http2.END_STREAM if ends else 0)
    return frame(http2.HEADERS, flags, number, block([(b":status", status)] + more))


class FramesTests(unittest.TestCase):
    def accepts(self, *pieces: bytes, sent: bytes = PREFACE) -> None:
        frames = Frames(from_client=False)
        frames.sent(sent)
        for byte in b"".join((HELLO,) + pieces):
            frames.take(bytes([byte]))

    def refuses(self, *pieces: bytes, sent: bytes = PREFACE) -> None:
        with self.assertRaises(ProtocolError):
            self.accepts(*pieces, sent=sent)

    def test_an_answer_in_order_is_right(self):
        end = frame(http2.HEADERS, http2.END_HEADERS | http2.END_STREAM, 1, block([(b"x-end", b"1")]))
        self.accepts(head(1, b"103"), head(1), frame(http2.DATA, 0, 1, b"a"), end)

    def test_a_body_needs_a_head_and_comes_before_the_end(self):
        self.refuses(frame(http2.DATA, 0, 1, b"a"))
        self.refuses(head(1, b"103"), frame(http2.DATA, 0, 1, b"a"))
        self.refuses(head(1, ends=True), frame(http2.DATA, 0, 1, b"a"))

    def test_a_body_has_the_length_that_was_announced(self):
        self.refuses(head(1, more=[(b"content-length", b"3")]), frame(http2.DATA, http2.END_STREAM, 1, b"four"))

    def test_trailers_end_their_stream(self):
        self.refuses(head(1), frame(http2.HEADERS, http2.END_HEADERS, 1, block([(b"x-end", b"1")])))

    def test_a_header_block_is_not_interrupted(self):
        self.refuses(frame(http2.HEADERS, 0, 1, block([(b":status", b"200")])), frame(http2.PING, 0, 0, bytes(8)))

    def test_nothing_is_sent_beyond_a_window(self):
        full = [frame(http2.DATA, 0, 1, bytes(16_383))] * 4
        self.accepts(head(1), *full)
        self.refuses(head(1), *full, frame(http2.DATA, 0, 1, bytes(4)))
        of_stream = frame(http2.WINDOW_UPDATE, 0, 1, struct.pack(">I", 4))
        of_connection = frame(http2.WINDOW_UPDATE, 0, 0, struct.pack(">I", 4))
        self.refuses(head(1), *full, frame(http2.DATA, 0, 1, bytes(4)), sent=PREFACE + of_stream)
        self.accepts(head(1), *full, frame(http2.DATA, 0, 1, bytes(4)), sent=PREFACE + of_stream + of_connection)
        by_settings = frame(http2.SETTINGS, 0, 0, setting(4, 65_539)) + of_connection
        self.accepts(head(1), *full, frame(http2.DATA, 0, 1, bytes(4)), sent=PREFACE + by_settings)


class AnswersTests(unittest.TestCase):
    def check(self, method: str, data: bytes) -> None:
        answers = Answers(method)
        answers.take(data)
        answers.check()

    def refuses(self, method: str, data: bytes) -> None:
        with self.assertRaises(ProtocolError):
            self.check(method, data)

    def test_what_follows_an_answer_is_another_one(self):
        body = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
        self.check("GET", b"HTTP/1.1 103 Early\r\n\r\n" + body + body + b"HTTP/1.1 4")
        self.refuses("GET", body + b"!")
        self.refuses("HEAD", body)
        self.check("HEAD", body[:-2] + body)

    def test_what_has_no_body_has_no_framing_either(self):
        self.check("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n")
        self.refuses("GET", b"HTTP/1.1 304 Not Modified\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")
        self.refuses("GET", b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n")
        self.refuses("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n")

    def test_chunks_are_as_long_as_they_say(self):
        begin = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        self.check("GET", begin + b"2\r\nok\r\n0\r\nx-end: 1\r\n\r\n")
        self.check("GET", begin + b"2\r\no")
        self.refuses("GET", begin + b"2\r\nokay\r\n0\r\n\r\n")


if __name__ == "__main__":
    unittest.main()
