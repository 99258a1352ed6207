"""A gRPC server with every kind of call, raw bytes as messages, health and reflection.

  grpc_workload.py PORT
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import sys
import time

import grpc
from google.rpc import status_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from grpc_status import rpc_status

SERVICE = "interop.Echo"
MESSAGE_LIMIT = 16 * 1024 * 1024

#: What became of each call that named itself with `x-call-id`: "started", "cancelled", "ended", with the time of each.
_events: dict[str, dict[str, float]] = {}


class Followed:
    """Notes when a call begins and how it ends, as the server sees it, where it has an `x-call-id`."""

    def __init__(self, context: grpc.aio.ServicerContext):
        call_id = dict(context.invocation_metadata()).get("x-call-id")
        self._events = _events.setdefault(call_id, {}) if call_id is not None else {}
        self._events["started"] = time.time()
        # grpc.aio says that a call is over, but not dependably how: one over before `complete` was cut short.
        context.add_done_callback(lambda _: "ended" in self._events or self._note("cancelled"))

    def complete(self) -> None:
        self._note("ended")

    async def complete_question(self) -> None:
        """For grpc.aio the messages of a cancelled call end like those of any other; the cancellation comes a moment
        later, and ends this."""
        await asyncio.sleep(0.05)
        self.complete()

    def _note(self, event: str) -> None:
        self._events[event] = time.time()


async def unary(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    """Echoes the message, `x-echo-*` as initial metadata and `x-trail-*` as trailing metadata."""
    metadata = context.invocation_metadata()
    await context.send_initial_metadata([pair for pair in metadata if pair[0].startswith("x-echo-")])
    context.set_trailing_metadata([pair for pair in metadata if pair[0].startswith("x-trail-")])
    return request


async def describe(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    """What arrived here besides the message."""
    return json.dumps({
        "metadata": [
            [key, value if isinstance(value, str) else base64.b64encode(value).decode()]
            for key, value in context.invocation_metadata()],
        "remaining": context.time_remaining(),
        "length": len(request),
    }).encode()


async def collect(requests, context: grpc.aio.ServicerContext) -> bytes:
    followed = Followed(context)
    count, size, digest = 0, 0, hashlib.sha256()
    async for message in requests:
        count, size = count + 1, size + len(message)
        digest.update(message)
    await followed.complete_question()
    return json.dumps({"count": count, "size": size, "sha256": digest.hexdigest()}).encode()


async def produce(request: bytes, context: grpc.aio.ServicerContext):
    """{"count": messages or null for ever, "size": bytes of each, "pause": seconds before each}"""
    followed = Followed(context)
    wish = json.loads(request)
    number = 0
    while wish["count"] is None or number < wish["count"]:
        if wish.get("pause"):
            await asyncio.sleep(wish["pause"])
        yield number.to_bytes(8, "big") + bytes([number % 251]) * (wish["size"] - 8)
        number += 1
    followed.complete()


async def talk(requests, context: grpc.aio.ServicerContext):
    """Answers each message with itself, at once."""
    followed = Followed(context)
    async for message in requests:
        yield message
    await followed.complete_question()


async def answer_early(requests, context: grpc.aio.ServicerContext):
    """Ends well after the first message, whatever the caller still sends."""
    async for message in requests:
        yield message
        return


async def fail(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    """{"code": number, "message": text, "details": base64 of a google.rpc.Status or absent}"""
    wish = json.loads(request)
    if "details" in wish:
        status = status_pb2.Status.FromString(base64.b64decode(wish["details"]))
        await context.abort_with_status(rpc_status.to_status(status))
    code = next(code for code in grpc.StatusCode if code.value[0] == wish["code"])
    await context.abort(code, wish["message"])


async def produce_and_fail(request: bytes, context: grpc.aio.ServicerContext):
    async for message in produce(request, context):
        yield message
    await context.abort(grpc.StatusCode.DATA_LOSS, "nothing is left")


async def hang(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    followed = Followed(context)
    await asyncio.Event().wait()
    followed.complete()
    return b""


async def seen(request: bytes, context: grpc.aio.ServicerContext) -> bytes:
    """What became of the call with that `x-call-id`."""
    return json.dumps(_events.get(request.decode(), {})).encode()


METHODS = {
    "Unary": grpc.unary_unary_rpc_method_handler(unary),
    "Describe": grpc.unary_unary_rpc_method_handler(describe),
    "Collect": grpc.stream_unary_rpc_method_handler(collect),
    "Produce": grpc.unary_stream_rpc_method_handler(produce),
    "Talk": grpc.stream_stream_rpc_method_handler(talk),
    "AnswerEarly": grpc.stream_stream_rpc_method_handler(answer_early),
    "Fail": grpc.unary_unary_rpc_method_handler(fail),
    "ProduceAndFail": grpc.unary_stream_rpc_method_handler(produce_and_fail),
    "Hang": grpc.unary_unary_rpc_method_handler(hang),
    "Seen": grpc.unary_unary_rpc_method_handler(seen),
    "Forbidden": grpc.unary_unary_rpc_method_handler(unary),
}


async def main(port: int) -> None:
    server = grpc.aio.server(options=[
        ("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT),
        ("grpc.so_reuseport", 0)])
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, METHODS),))
    checks = health.aio.HealthServicer()
    await checks.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    reflection.enable_server_reflection(
        (SERVICE, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME), server)
    server.add_insecure_port(f"0.0.0.0:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
