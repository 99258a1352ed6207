"""A gRPC channel to workloads/grpc_workload.py, with raw bytes as messages."""

from __future__ import annotations

import json

import grpc

SERVICE = "interop.Echo"
MESSAGE_LIMIT = 16 * 1024 * 1024
_OPTIONS = [
    ("grpc.max_receive_message_length", MESSAGE_LIMIT), ("grpc.max_send_message_length", MESSAGE_LIMIT),
    ("grpc.enable_http_proxy", 0), ("grpc.use_local_subchannel_pool", 1),
    # The least is no pause, but how long a connection may take to come up: on a busy machine, long.
    ("grpc.initial_reconnect_backoff_ms", 100), ("grpc.min_reconnect_backoff_ms", 20_000),
    ("grpc.max_reconnect_backoff_ms", 500)]


class Client:
    """The methods of the service by the kind of their call. `aio` has the channel's calls awaited; `roots`, in PEM,
    are for TLS."""

    def __init__(
            self, address: tuple[str, int], authority: str, aio: bool = False, compression=None,
            options: list[tuple[str, object]] = (), roots: bytes | None = None):
        target = "%s:%d" % address
        options = [*_OPTIONS, ("grpc.default_authority", authority), *options]
        module = grpc.aio if aio else grpc
        if roots is None:
            self.channel = module.insecure_channel(target, options, compression=compression)
        else:
            credentials = grpc.ssl_channel_credentials(roots)
            self.channel = module.secure_channel(target, credentials, options, compression=compression)
        self.unary = self.one_to_one("Unary")
        self.describe = self.one_to_one("Describe")
        self.fail = self.one_to_one("Fail")
        self.hang = self.one_to_one("Hang")
        self.collect = self.channel.stream_unary(f"/{SERVICE}/Collect")
        self.produce = self.channel.unary_stream(f"/{SERVICE}/Produce")
        self.produce_and_fail = self.channel.unary_stream(f"/{SERVICE}/ProduceAndFail")
        self.talk = self.channel.stream_stream(f"/{SERVICE}/Talk")
        self.answer_early = self.channel.stream_stream(f"/{SERVICE}/AnswerEarly")

    def one_to_one(self, method: str, service: str = SERVICE):
        return self.channel.unary_unary(f"/{service}/{method}")

    def seen(self, call_id: str) -> dict:
        """What the workload noted of that call; only without `aio`."""
        return json.loads(self.one_to_one("Seen")(call_id.encode(), timeout=10))

    def close(self):
        return self.channel.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_) -> None:
        self.channel.close()


def wish(**fields) -> bytes:
    return json.dumps(fields).encode()
