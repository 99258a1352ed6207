"""An HTTP/2 client on the h2 package, for what curl cannot send: trailers, extended CONNECT, half a request."""

from __future__ import annotations

import socket
import ssl
import time
from dataclasses import dataclass, field

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings


@dataclass
class Stream:
    interim: list[int] = field(default_factory=list)
    status: int | None = None
    fields: dict[str, str] = field(default_factory=dict)
    data: bytearray = field(default_factory=bytearray)
    trailers: dict[str, str] = field(default_factory=dict)
    is_ended: bool = False
    reset: int | None = None


class H2Client:
    """Blocking, with a bound on every wait."""

    def __init__(self, address: tuple[str, int], tls: ssl.SSLContext | None = None, name: str | None = None):
        self._socket = socket.create_connection(address, timeout=10)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls is not None:
            tls.set_alpn_protocols(["h2", "http/1.1"])
            self._socket = tls.wrap_socket(self._socket, server_hostname=name)
            assert self._socket.selected_alpn_protocol() == "h2"
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="latin-1"))
        self.streams: dict[int, Stream] = {}
        self.has_settings = self.is_going_away = self.is_closed = False
        self._h2.initiate_connection()
        self._flush()
        self.wait("its SETTINGS", lambda: self.has_settings)

    @property
    def allows_extended_connect(self) -> bool:
        return self._h2.remote_settings.enable_connect_protocol == 1

    def request(
            self, method: str, authority: str, path: str | None, fields: list[tuple[str, str]] = (),
            body: bytes | None = None, trailers: list[tuple[str, str]] = (), is_open: bool = False,
            protocol: str | None = None, scheme: str | None = "http") -> int:
        """Sends a request, whole unless `is_open`. Returns the stream."""
        stream = self._h2.get_next_available_stream_id()
        head = [(":method", method), (":authority", authority)]
        head += [(":scheme", scheme)] if scheme else []
        head += [(":path", path)] if path is not None else []
        head += [(":protocol", protocol)] if protocol else []
        self.streams[stream] = Stream()
        self._h2.send_headers(stream, head + list(fields), end_stream=body is None and not trailers and not is_open)
        self._flush()
        if body is not None:
            self.send(stream, body, is_last=not trailers and not is_open)
        if trailers:
            self._h2.send_headers(stream, list(trailers), end_stream=True)
            self._flush()
        return stream

    def send(self, stream: int, data: bytes, is_last: bool = False) -> None:
        """Stops without a word where the other side has reset the stream: it wants no more."""
        found = self.streams[stream]
        while data:
            self.wait(
                "room to send",
                lambda: found.reset is not None or self._h2.local_flow_control_window(stream) > 0)
            if found.reset is not None:
                return
            size = min(len(data), self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            self._h2.send_data(stream, data[:size])
            self._flush()
            data = data[size:]
        if is_last:
            self._h2.end_stream(stream)
            self._flush()

    def reset(self, stream: int, code: int = h2.errors.ErrorCodes.CANCEL) -> None:
        self._h2.reset_stream(stream, code)
        self._flush()

    def response(self, stream: int, seconds: float = 20) -> Stream:
        found = self.streams[stream]
        self.wait(
            f"the end of stream {stream}", lambda: found.is_ended or found.reset is not None or self.is_closed, seconds)
        return found

    def wait(self, what: str, condition, seconds: float = 10) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            rest = deadline - time.monotonic()
            if rest <= 0:
                raise TimeoutError(f"not within {seconds} s: {what}")
            self._socket.settimeout(rest)
            try:
                data = self._socket.recv(65536)
            except TimeoutError:
                continue
            except ConnectionError:
                data = b""
            if not data:
                self.is_closed = True
                if condition():
                    return
                raise ConnectionError(f"closed while waiting for {what}")
            for event in self._h2.receive_data(data):
                self._handle(event)
            self._flush()

    def close(self) -> None:
        self._socket.close()

    def __enter__(self) -> H2Client:
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def _handle(self, event) -> None:
        stream = self.streams.get(getattr(event, "stream_id", None) or 0)
        match event:
            case h2.events.RemoteSettingsChanged():
                self.has_settings = True
            case h2.events.ConnectionTerminated():
                self.is_going_away = True
            case h2.events.InformationalResponseReceived():
                stream.interim.append(int(dict(event.headers)[":status"]))
            case h2.events.ResponseReceived():
                stream.fields = dict(event.headers)
                stream.status = int(stream.fields[":status"])
            case h2.events.DataReceived():
                stream.data += event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                stream.trailers = dict(event.headers)
            case h2.events.StreamEnded():
                stream.is_ended = True
            case h2.events.StreamReset():
                stream.reset = event.error_code

    def _flush(self) -> None:
        data = self._h2.data_to_send()
        if data:
            self._socket.settimeout(10)
            self._socket.sendall(data)
