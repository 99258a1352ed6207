"""gRPC by grpcio, client and server, across the hop and with policies on."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import threading
import time
import uuid

import grpc
import pytest
from google.protobuf import wrappers_pb2
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from lab.grpc_client import SERVICE, Client, wish
from lab.manifests import allow, caller, deny, resource, service
from lab.pauses import meanwhile, slowly, wait_until

WEB, BATCH, EDGE = 15101, 15102, 8443
PORT, NOTHING_LISTENS, HTTP2_PORT = 20011, 20019, 20012
#: Of the route that is short of time, in seconds.
ROUTE_TIMEOUT = 1.0


class Front:
    def __init__(self, laboratory):
        self._laboratory = laboratory
        self.is_direct = laboratory.is_direct

    def client(self, caller: str = "web", service: str = "echo.shop", **options) -> Client:
        if self.is_direct:
            return Client((self._laboratory.hosts.b.address, PORT), service, **options)
        return Client(("127.0.0.1", {"web": WEB, "batch": BATCH}[caller]), service, **options)

    def outsider(self) -> Client:
        """A caller of the gateway, over TLS."""
        certificate = self._laboratory.authority.gateway_certificate.read_bytes()
        return Client(
            ("127.0.0.1", EDGE), "echo.edge.example", roots=certificate,
            options=[("grpc.ssl_target_name_override", "edge.example")])


@pytest.fixture(scope="module")
def front(laboratory):
    laboratory.workload("grpc", "grpc_workload.py", PORT)
    if not laboratory.is_direct:
        laboratory.workload("http2", "http2_workload.py", HTTP2_PORT)
        laboratory.mesh().start(_resources(laboratory.authority))
    return Front(laboratory)


def _resources(authority) -> list[dict]:
    tls = {"certificateFile": str(authority.gateway_certificate), "keyFile": str(authority.gateway_key)}
    called = ["echo", "late", "absent", "unplaced", "not-grpc", "picky"]
    return [
        caller("web", WEB), caller("batch", BATCH),
        *service("echo", "GRPC", PORT), *service("late", "GRPC", PORT), *service("picky", "GRPC", PORT),
        *service("absent", "GRPC", NOTHING_LISTENS), *service("unplaced", "GRPC", None),
        *service("not-grpc", "GRPC", HTTP2_PORT),
        *(allow(f"web-calls-{name}", name, ["web"]) for name in called),
        allow("edge-calls-echo", "echo", ["edge"]),
        resource("Gateway", "edge", {
            "node": "a", "listeners": [{"name": "https", "port": EDGE, "protocol": "HTTPS", "tls": tls}]}),
        resource("GRPCRoute", "outside", {
            "parentRefs": [{"name": "edge"}], "hostnames": ["echo.edge.example"],
            "rules": [{"backendRefs": [{"name": "echo"}]}]}),
        deny("nobody-calls-forbidden", "echo", ["web", "edge"], [{"paths": [f"/{SERVICE}/Forbidden"]}]),
        resource("GRPCRoute", "late", {
            "parentRefs": [{"kind": "Service", "name": "late"}],
            "rules": [{"backendRefs": [{"name": "late"}], "timeouts": {"request": f"{int(ROUTE_TIMEOUT * 1000)}ms"}}]}),
        resource("GRPCRoute", "picky", {
            "parentRefs": [{"kind": "Service", "name": "picky"}],
            "rules": [{"matches": [{"method": {"service": SERVICE, "method": "Unary"}}],
                       "backendRefs": [{"name": "picky"}]}]})]


@pytest.fixture
def client(front):
    with front.client() as client:
        yield client


def test_unary_calls_carry_messages_of_any_size(client):
    for size in (0, 1, 16_383, 16_384, 65_536, 1 << 20, 4 << 20):
        message = os.urandom(size)
        assert client.unary(message, timeout=20) == message, size


def test_four_mebibytes_go_in_every_kind_of_call(client):
    message = os.urandom(4 << 20)
    assert client.unary(message, timeout=20) == message
    collected = json.loads(client.collect(iter([message] * 3), timeout=30))
    assert (collected["size"], collected["sha256"]) == (3 * len(message), hashlib.sha256(message * 3).hexdigest())
    assert [len(each) for each in client.produce(wish(count=3, size=4 << 20), timeout=30)] == [4 << 20] * 3
    assert list(client.talk(iter([message, message]), timeout=30)) == [message, message]


def test_client_streaming(client):
    messages = [bytes([index % 256]) * index for index in range(500)]
    collected = json.loads(client.collect(iter(messages), timeout=20))
    assert collected == {
        "count": 500, "size": sum(map(len, messages)), "sha256": hashlib.sha256(b"".join(messages)).hexdigest()}
    assert json.loads(client.collect(iter([]), timeout=20))["count"] == 0


def test_server_streaming_arrives_in_order(client):
    messages = list(client.produce(wish(count=2000, size=100), timeout=30))
    assert [int.from_bytes(message[:8], "big") for message in messages] == list(range(2000))
    assert all(message[8:] == bytes([index % 251]) * 92 for index, message in enumerate(messages))
    assert list(client.produce(wish(count=0, size=8), timeout=10)) == []


def test_server_streaming_is_not_held_back(client):
    """Each message arrives when it is sent, not when there are many."""
    call = client.produce(wish(count=5, size=10, pause=0.2), timeout=20)
    times = [time.monotonic() for _ in call]
    assert times[-1] - times[0] > 0.5, times


def test_bidirectional_streaming_takes_turns(client):
    """The next message is sent only when the answer to the last one is there: nothing may wait for more."""
    answered = threading.Semaphore(1)

    def questions():
        for index in range(300):
            assert answered.acquire(timeout=10)
            yield str(index).encode()

    answers = []
    for answer in client.talk(questions(), timeout=30):
        answers.append(int(answer))
        answered.release()
    assert answers == list(range(300))


def test_a_stream_that_is_silent_for_a_while_stays(client):
    """Longer than what a proxy would call idle where it cannot know better is not tested: only that silence is none."""
    def questions():
        yield b"one"
        slowly(3)
        yield b"two"

    assert list(client.talk(questions(), timeout=30)) == [b"one", b"two"]


def test_an_answer_before_the_end_of_the_question(client):
    is_over = threading.Event()

    def questions():
        yield b"one"
        is_over.wait(10)

    call = client.answer_early(questions(), timeout=10)
    assert list(call) == [b"one"]
    is_over.set()
    assert call.code() is grpc.StatusCode.OK


def test_metadata_both_ways(client):
    binary = bytes(range(256))
    sent = [
        ("x-echo-text", "a, b"), ("x-echo-twice", "1"), ("x-echo-twice", "2"), ("x-echo-bytes-bin", binary),
        ("x-trail-text", "t"), ("x-trail-bytes-bin", binary[::-1])]
    _, call = client.unary.with_call(b"", metadata=sent, timeout=10)
    initial, trailing = list(call.initial_metadata()), list(call.trailing_metadata())
    assert [value for key, value in initial if key == "x-echo-text"] == ["a, b"]
    assert ", ".join(value for key, value in initial if key == "x-echo-twice") in ("1, 2", "1,2")
    assert dict(initial)["x-echo-bytes-bin"] == binary
    assert (dict(trailing)["x-trail-text"], dict(trailing)["x-trail-bytes-bin"]) == ("t", binary[::-1])


def test_a_workload_learns_who_calls_and_nothing_is_lost(front, client):
    seen = dict(map(tuple, json.loads(client.describe(b"", metadata=[("x-own", "1")], timeout=10))["metadata"]))
    assert seen["x-own"] == "1" and seen["user-agent"].startswith("grpc-python")
    if not front.is_direct:
        assert seen["x-heddle-caller"] == "spiffe://interop.example/ns/shop/sa/web"


def test_deadlines_reach_the_workload(client):
    remaining = json.loads(client.describe(b"", timeout=7))["remaining"]
    assert 5 < remaining <= 7.1


@pytest.mark.heddle
def test_a_route_shortens_a_deadline_and_never_lengthens_it(front):
    with front.client(service="late.shop") as client:
        assert json.loads(client.describe(b"", timeout=30))["remaining"] <= ROUTE_TIMEOUT + 0.05
        assert json.loads(client.describe(b"", timeout=0.5))["remaining"] <= 0.55
        assert json.loads(client.describe(b""))["remaining"] <= ROUTE_TIMEOUT + 0.05


@pytest.mark.parametrize("method", ["hang", "produce", "talk"])
def test_a_deadline_that_passes_ends_the_call_on_both_sides(client, method):
    call_id, start = str(uuid.uuid4()), time.monotonic()
    metadata = [("x-call-id", call_id)]
    with pytest.raises(grpc.RpcError) as error:
        if method == "hang":
            client.hang(b"", metadata=metadata, timeout=0.5)
        elif method == "produce":
            list(client.produce(wish(count=None, size=100, pause=0.05), metadata=metadata, timeout=0.5))
        else:
            list(client.talk(_silence(10), metadata=metadata, timeout=0.5))
    assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert time.monotonic() - start < 5
    wait_until("the workload noticed", lambda: "cancelled" in client.seen(call_id), 5)


@pytest.mark.heddle
def test_a_route_timeout_is_deadline_exceeded(front, client):
    with front.client(service="late.shop") as late:
        call_id, start = str(uuid.uuid4()), time.monotonic()
        with pytest.raises(grpc.RpcError) as error:
            late.hang(b"", metadata=[("x-call-id", call_id)])
        assert error.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED, error.value
        assert 0.5 < time.monotonic() - start < 10
        wait_until("the workload noticed", lambda: "cancelled" in client.seen(call_id), 5)


@pytest.mark.heddle
def test_a_deadline_holds_where_the_caller_does_not_watch_it(front):
    """`grpc-timeout` as a mere header: the caller has no clock of its own, so that Heddle or the workload must end it."""
    from lab.h2client import H2Client
    with H2Client(("127.0.0.1", WEB)) as raw:
        stream = raw.request(
            "POST", "echo.shop", f"/{SERVICE}/Hang",
            [("content-type", "application/grpc"), ("te", "trailers"), ("grpc-timeout", "500m")], b"\0\0\0\0\0")
        answer = raw.response(stream, 10)
        assert {**answer.fields, **answer.trailers}.get("grpc-status") == "4", answer


@pytest.mark.parametrize("method", ["hang", "produce", "talk", "collect"])
def test_a_cancelled_call_is_cancelled_at_the_workload_at_once(client, method):
    call_id = str(uuid.uuid4())
    metadata = [("x-call-id", call_id)]
    call = {
        "hang": lambda: client.hang.future(b"", metadata=metadata),
        "produce": lambda: client.produce(wish(count=None, size=1000, pause=0.01), metadata=metadata),
        "talk": lambda: client.talk(_silence(10), metadata=metadata),
        "collect": lambda: client.collect.future(_silence(10), metadata=metadata)}[method]()
    wait_until("the call arrived", lambda: "started" in client.seen(call_id), 10)
    cancelled = time.time()
    call.cancel()
    assert call.code() is grpc.StatusCode.CANCELLED
    wait_until("the workload noticed", lambda: "cancelled" in client.seen(call_id), 5)
    assert client.seen(call_id)["cancelled"] - cancelled < 1


def test_a_stream_that_the_reader_leaves_alone_does_not_stop_others(client):
    """Flow control holds one stream back and not its neighbours."""
    call_id = str(uuid.uuid4())
    unread = client.produce(wish(count=None, size=100_000), metadata=[("x-call-id", call_id)])
    next(unread)
    meanwhile(0.5)
    for index in range(50):
        assert client.unary(b"x" * 10_000, timeout=10) == b"x" * 10_000
    unread.cancel()
    wait_until("the workload noticed", lambda: "cancelled" in client.seen(call_id), 5)


@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_compression(front, compression):
    with front.client(compression=compression) as client:
        message = b"the same again and again " * 40_000
        assert client.unary(message, timeout=20) == message
        assert list(client.talk(iter([message, b"", message]), timeout=20)) == [message, b"", message]


ERROR_CODES = [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK]


@pytest.mark.parametrize("code", ERROR_CODES, ids=lambda code: code.name)
def test_a_status_and_its_message_arrive(client, code):
    message = "it is so: 100 % \u2713\nsecond line"
    with pytest.raises(grpc.RpcError) as error:
        client.fail(wish(code=code.value[0], message=message), timeout=10)
    assert (error.value.code(), error.value.details()) == (code, message)


def test_rich_details_arrive(client):
    status = status_pb2.Status(code=grpc.StatusCode.FAILED_PRECONDITION.value[0], message="not yet")
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="EARLY", domain="interop", metadata={"a": "b" * 2000}))
    status.details.add().Pack(wrappers_pb2.BytesValue(value=bytes(range(256))))
    request = wish(details=base64.b64encode(status.SerializeToString()).decode())
    with pytest.raises(grpc.RpcError) as error:
        client.fail(request, timeout=10)
    assert rpc_status.from_call(error.value) == status


def test_a_status_after_messages_arrives(client):
    call, received = client.produce_and_fail(wish(count=20, size=1000), timeout=10), 0
    with pytest.raises(grpc.RpcError) as error:
        for _ in call:
            received += 1
    assert (received, error.value.code(), error.value.details()) == (
        20, grpc.StatusCode.DATA_LOSS, "nothing is left")


def test_health(client):
    stub = health_pb2_grpc.HealthStub(client.channel)
    assert stub.Check(health_pb2.HealthCheckRequest(service=SERVICE), timeout=10).status == 1
    with pytest.raises(grpc.RpcError) as error:
        stub.Check(health_pb2.HealthCheckRequest(service="nobody"), timeout=10)
    assert error.value.code() is grpc.StatusCode.NOT_FOUND
    watch = stub.Watch(health_pb2.HealthCheckRequest(service=SERVICE))
    assert next(watch).status == 1
    watch.cancel()


def test_reflection(client):
    stub = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services=""),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="grpc.health.v1.Health")]
    services, file = stub.ServerReflectionInfo(iter(requests), timeout=10)
    assert SERVICE in [service.name for service in services.list_services_response.service]
    assert b"HealthCheckRequest" in file.file_descriptor_response.file_descriptor_proto[0]


def test_a_hundred_calls_at_once_on_one_channel(client):
    """And more than a connection's streams: the rest waits its turn."""
    futures = {index: client.unary.future(str(index).encode() * 1000, timeout=30) for index in range(400)}
    assert all(future.result() == str(index).encode() * 1000 for index, future in futures.items())


def _silence(seconds: float):
    """An endless question of which nothing is said."""
    slowly(seconds)
    return
    yield  # makes it a generator


def _failure(call) -> tuple[grpc.StatusCode, str]:
    with pytest.raises(grpc.RpcError) as error:
        call()
    return error.value.code(), error.value.details()


@pytest.mark.heddle
class TestFromOutside:
    """Through a gateway, over TLS."""

    def test_every_kind_of_call(self, front):
        with front.outsider() as client:
            message = os.urandom(1 << 20)
            assert client.unary(message, timeout=20) == message
            assert json.loads(client.collect(iter([message] * 3), timeout=20))["size"] == 3 << 20
            assert len(list(client.produce(wish(count=100, size=1000), timeout=20))) == 100
            assert list(client.talk(iter([message, b""]), timeout=20)) == [message, b""]
            seen = dict(map(tuple, json.loads(client.describe(b"", timeout=10))["metadata"]))
            assert seen["x-heddle-caller"] == "spiffe://interop.example/ns/shop/sa/edge"

    def test_a_refusal_has_its_code_and_not_its_reason(self, front):
        with front.outsider() as client:
            code, details = _failure(lambda: client.one_to_one("Forbidden")(b"", timeout=10))
            assert code is grpc.StatusCode.PERMISSION_DENIED and "rule" not in details, (code, details)

    def test_a_status_of_the_workload_arrives_with_its_message(self, front):
        with front.outsider() as client:
            found = _failure(lambda: client.fail(wish(code=9, message="not yet"), timeout=10))
            assert found == (grpc.StatusCode.FAILED_PRECONDITION, "not yet")


@pytest.mark.heddle
class TestRefusals:
    """What Heddle says itself is what a gRPC client understands, and names its reason."""

    def test_a_caller_whom_no_rule_allows(self, front):
        with front.client("batch") as client:
            for call in (
                    lambda: client.unary(b"x", timeout=10),
                    lambda: list(client.produce(wish(count=1, size=8), timeout=10)),
                    lambda: client.collect(iter([b"x"] * 1000), timeout=10),
                    lambda: list(client.talk(iter([b"x"] * 1000), timeout=10))):
                code, details = _failure(call)
                assert code is grpc.StatusCode.PERMISSION_DENIED and "denied" in details, (code, details)

    def test_a_method_that_a_rule_denies(self, client):
        code, details = _failure(lambda: client.one_to_one("Forbidden")(b"", timeout=10))
        assert code is grpc.StatusCode.PERMISSION_DENIED and "denied" in details, (code, details)
        assert client.unary(b"still", timeout=10) == b"still"

    def test_a_service_without_an_endpoint(self, front):
        with front.client(service="unplaced.shop") as client:
            code, details = _failure(lambda: client.unary(b"", timeout=10))
            assert code is grpc.StatusCode.UNAVAILABLE and "no-endpoint" in details, (code, details)

    def test_a_workload_that_does_not_listen(self, front):
        with front.client(service="absent.shop") as client:
            code, details = _failure(lambda: client.unary(b"", timeout=10))
            assert code is grpc.StatusCode.UNAVAILABLE and "connect-failed" in details, (code, details)

    def test_a_name_that_nobody_has(self, front):
        with front.client(service="nobody.shop") as client:
            code, details = _failure(lambda: client.unary(b"", timeout=10))
            assert code is grpc.StatusCode.UNIMPLEMENTED and "no-route" in details, (code, details)

    def test_a_method_that_no_rule_of_the_route_takes(self, front):
        with front.client(service="picky.shop") as client:
            assert client.unary(b"taken", timeout=10) == b"taken"
            code, details = _failure(lambda: client.describe(b"", timeout=10))
            assert code is grpc.StatusCode.UNIMPLEMENTED and "no-route" in details, (code, details)

    def test_a_method_that_the_workload_does_not_have_is_its_own_answer(self, client):
        code, details = _failure(lambda: client.one_to_one("Absent")(b"", timeout=10))
        assert code is grpc.StatusCode.UNIMPLEMENTED and "no-route" not in details, (code, details)

    def test_more_metadata_than_the_limit(self, client):
        metadata = [(f"x-{index}", "v") for index in range(150)]
        code, details = _failure(lambda: client.unary(b"", metadata=metadata, timeout=10))
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED and "overloaded" in details, (code, details)
        assert client.unary(b"still", timeout=10) == b"still"

    @pytest.mark.parametrize("status, code", [
        (400, grpc.StatusCode.INTERNAL), (401, grpc.StatusCode.UNAUTHENTICATED),
        (403, grpc.StatusCode.PERMISSION_DENIED), (404, grpc.StatusCode.UNIMPLEMENTED),
        (429, grpc.StatusCode.UNAVAILABLE), (502, grpc.StatusCode.UNAVAILABLE), (503, grpc.StatusCode.UNAVAILABLE),
        (504, grpc.StatusCode.UNAVAILABLE), (418, grpc.StatusCode.UNKNOWN)])
    def test_a_workload_that_answers_without_grpc(self, front, status, code):
        """As gRPC's own table maps HTTP's status."""
        with front.client(service="not-grpc.shop") as client:
            found, details = _failure(lambda: client.one_to_one(str(status), service="status")(b"", timeout=10))
            assert found is code, (found, details)
