"""An HTTP/2 server on plain TCP with prior knowledge, on the h2 package. Its answers are those of behaviours.py.

  http2_workload.py PORT
"""

from __future__ import annotations

import asyncio
import sys

import behaviours
import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions


class Connection(asyncio.Protocol):
    def __init__(self) -> None:
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="latin-1"))
        self._calls: dict[int, Call] = {}
        self._tasks: set[asyncio.Task] = set()
        #: Replaced and set whenever a side may be able to write more.
        self.room = asyncio.Event()

    def connection_made(self, transport) -> None:
        self.transport = transport
        self._h2.initiate_connection()
        self._h2.increment_flow_control_window(16 << 20)
        self.flush()

    def data_received(self, data: bytes) -> None:
        try:
            events = self._h2.receive_data(data)
        except h2.exceptions.ProtocolError as error:
            print("protocol error:", error, flush=True)
            self.flush()
            self.transport.close()
            return
        for event in events:
            self._handle(event)
        self.flush()

    def connection_lost(self, error) -> None:
        for task in self._tasks:
            task.cancel()

    def _handle(self, event) -> None:
        match event:
            case h2.events.RequestReceived():
                call = Call(self, self._h2, event.stream_id, event.headers)
                self._calls[event.stream_id] = call
                call.task = asyncio.create_task(self._answer(call))
                self._tasks.add(call.task)
                call.task.add_done_callback(self._tasks.discard)
            case h2.events.DataReceived():
                if event.data and (call := self._calls.get(event.stream_id)):
                    call.arrived.put_nowait(event.data)
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                if call := self._calls.get(event.stream_id):
                    call.trailers.extend(event.headers)
            case h2.events.StreamEnded():
                if call := self._calls.get(event.stream_id):
                    call.arrived.put_nowait(None)
            case h2.events.StreamReset():
                if call := self._calls.pop(event.stream_id, None):
                    call.task.cancel()
            case h2.events.WindowUpdated() | h2.events.RemoteSettingsChanged():
                self.room.set()
                self.room = asyncio.Event()

    async def _answer(self, call: Call) -> None:
        try:
            await behaviours.answer(call)
        except behaviours.BreakOff:
            self._h2.reset_stream(call.stream, h2.errors.ErrorCodes.INTERNAL_ERROR)
            self.flush()
        except h2.exceptions.StreamClosedError:
            pass
        finally:
            self._calls.pop(call.stream, None)

    def flush(self) -> None:
        self.transport.write(self._h2.data_to_send())


class Call(behaviours.Call):
    version = "2"
    task: asyncio.Task

    def __init__(self, connection: Connection, session: h2.connection.H2Connection, stream: int, headers):
        headers = [(str(name), str(value)) for name, value in headers]
        pseudo = {name: value for name, value in headers if name.startswith(":")}
        super().__init__(
            pseudo[":method"], pseudo.get(":path", ""), [field for field in headers if not field[0].startswith(":")])
        self.fields.append(("host", pseudo.get(":authority", "")))
        self.stream = stream
        self.arrived: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._connection, self._h2 = connection, session

    async def body(self):
        if self.field("expect") == "100-continue" and not self.has_head:
            await self.interim(100, [])
        while (data := await self.arrived.get()) is not None:
            yield data

    async def interim(self, status, fields):
        self._h2.send_headers(self.stream, [(":status", str(status)), *fields])
        self._connection.flush()

    async def head(self, status, fields, length=None):
        self.has_head = True
        framing = [] if length is None else [("content-length", str(length))]
        self._h2.send_headers(self.stream, [(":status", str(status)), *fields, *framing])
        self._connection.flush()

    async def data(self, data):
        while data:
            size = min(len(data), self._h2.local_flow_control_window(self.stream), self._h2.max_outbound_frame_size)
            if size <= 0:
                await self._connection.room.wait()
                continue
            self._h2.send_data(self.stream, data[:size])
            self._connection.flush()
            data = data[size:]
            await asyncio.sleep(0)

    async def end(self, trailers=()):
        if trailers:
            self._h2.send_headers(self.stream, list(trailers), end_stream=True)
        else:
            self._h2.end_stream(self.stream)
        self._connection.flush()


async def main(port: int) -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "0.0.0.0", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
