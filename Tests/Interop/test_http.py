"""HTTP/1.1 and HTTP/2, on each side of the hop in all four combinations: curl, nghttp, h2load and raw bytes."""

from __future__ import annotations

import hashlib
import json
import random
import re
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor

import pytest

from lab.curl import Answer, curl
from lab.h2client import H2Client
from lab.manifests import allow, caller, deny, resource, service
from lab.pauses import meanwhile
from workloads.behaviours import payload

WEB, BATCH, EDGE, EDGE_TLS = 15101, 15102, 8080, 8443
BACKENDS = {"1": ("plain", "HTTP", 20001), "2": ("modern", "HTTP2", 20002)}
SPEAKS = {"1": "--http1.1", "2": "--http2-prior-knowledge"}


class Front:
    """What callers reach of the backends: node a's listeners, or with --direct the backends themselves."""

    def __init__(self, laboratory):
        self._laboratory = laboratory
        self.is_direct = laboratory.is_direct

    def address(self, backend: str, caller: str = "web") -> tuple[str, int]:
        if self.is_direct:
            return self._laboratory.hosts.b.address, BACKENDS[backend][2]
        return "127.0.0.1", {"web": WEB, "batch": BATCH, "edge": EDGE, "edge-tls": EDGE_TLS}[caller]

    def authority(self, backend: str, caller: str = "web") -> str:
        name = BACKENDS[backend][0]
        return f"{name}.edge.example" if caller.startswith("edge") else f"{name}.shop"

    def skip_if_untranslated(self, frontend: str, backend: str) -> None:
        if self.is_direct and frontend != backend:
            pytest.skip("needs Heddle to translate between the versions")

    def curl(self, frontend: str, backend: str, path: str, *options: str, caller: str = "web", **more) -> Answer:
        self.skip_if_untranslated(frontend, backend)
        host, port = self.address(backend, caller)
        authority, is_tls = self.authority(backend, caller), caller == "edge-tls"
        speaks = ("--http2" if frontend == "2" else "--http1.1") if is_tls else SPEAKS[frontend]
        return curl(
            f"{'https' if is_tls else 'http'}://{authority}{path}", speaks, "--connect-to", f"::{host}:{port}",
            *(["--insecure"] if is_tls else []), *options, **more)


@pytest.fixture(scope="module")
def front(laboratory):
    laboratory.workload("http1", "http1_workload.py", BACKENDS["1"][2])
    laboratory.workload("http2", "http2_workload.py", BACKENDS["2"][2])
    if not laboratory.is_direct:
        laboratory.mesh().start(_resources(laboratory.authority))
    return Front(laboratory)


def _resources(authority) -> list[dict]:
    resources = [caller("web", WEB), caller("batch", BATCH)]
    for name, protocol, port in BACKENDS.values():
        resources += service(name, protocol, port)
        resources.append(allow(f"callers-of-{name}", name, ["web", "edge"]))
        resources.append(deny(f"nobody-at-{name}", name, ["web", "edge"], [{"paths": ["/forbidden*"]}]))
    tls = {"certificateFile": str(authority.gateway_certificate), "keyFile": str(authority.gateway_key)}
    resources.append(resource("Gateway", "edge", {"node": "a", "listeners": [
        {"name": "http", "port": EDGE, "protocol": "HTTP"},
        {"name": "https", "port": EDGE_TLS, "protocol": "HTTPS", "tls": tls}]}))
    for name, _, _ in BACKENDS.values():
        resources.append(resource("HTTPRoute", name, {
            "parentRefs": [{"name": "edge"}], "hostnames": [f"{name}.edge.example"],
            "rules": [{"backendRefs": [{"name": name}]}]}))
    return resources


@pytest.fixture(params=["1", "2"], ids=["to-http1", "to-http2"])
def backend(request):
    return request.param


@pytest.fixture(params=["1", "2"], ids=["from-http1", "from-http2"])
def frontend(request):
    return request.param


@pytest.fixture(params=["web", pytest.param("edge-tls", marks=pytest.mark.heddle)])
def caller_name(request):
    return request.param


def test_a_call_arrives_as_it_was_made(front, frontend, backend, caller_name):
    answer = front.curl(frontend, backend, "/a/b%20c?x=1&y=%2F", "-H", "x-one: 1", "-H", "x-two: a, b", caller=caller_name)
    assert (answer.status, answer.version) == (200, {"1": "1.1", "2": "2"}[frontend]), answer
    seen = json.loads(answer.body)
    fields = dict(map(tuple, seen["fields"]))
    assert (seen["version"], seen["method"]) == ({"1": "1.1", "2": "2"}[backend], "GET")
    assert seen["query"] == {"x": "1", "y": "/"}
    assert (fields["x-one"], fields["x-two"]) == ("1", "a, b")
    assert fields["host"] == front.authority(backend, caller_name)
    assert not {"connection", "upgrade", "http2-settings", "keep-alive"} & fields.keys()
    assert fields.get("te", "trailers") == "trailers"
    if not front.is_direct:
        account = "web" if caller_name == "web" else "edge"
        assert fields["x-heddle-caller"] == f"spiffe://interop.example/ns/shop/sa/{account}"
        assert answer.field("x-heddle-reason") is None


@pytest.mark.parametrize("size", [0, 1, 16_384, 65_537, 5_000_000])
def test_a_body_comes_back_whole(front, frontend, backend, caller_name, size):
    body = random.Random(size).randbytes(size)
    answer = front.curl(frontend, backend, "/echo", "-X", "POST", "-H", "Expect:", body=body, caller=caller_name)
    assert (answer.exit_code, answer.status) == (0, 200), answer.errors
    assert hashlib.sha256(answer.body).digest() == hashlib.sha256(body).digest()
    assert answer.trailers.get("x-sha256") == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize("sized", ["", "&sized=1"], ids=["unsized", "sized"])
def test_a_large_answer_comes_whole(front, frontend, backend, sized):
    size = 20_000_000
    answer = front.curl(frontend, backend, f"/bytes?count={size}&seed=7{sized}")
    assert (answer.exit_code, answer.status, len(answer.body)) == (0, 200, size), answer.errors
    assert answer.body == payload(7, 0, size)
    assert answer.field("content-length") == (str(size) if sized else None)


def test_a_body_of_unknown_length_is_sent_on(front, frontend, backend):
    body = random.Random(3).randbytes(300_000)
    answer = front.curl(
        frontend, backend, "/describe", "-X", "POST", "-H", "Transfer-Encoding: chunked", body=body)
    seen = json.loads(answer.body)
    assert (seen["size"], seen["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert "content-length" not in dict(map(tuple, seen["fields"]))


def test_an_upload_that_asks_first_is_told_to_go_on(front, frontend, backend):
    body = bytes(2_000_000)
    answer = front.curl(
        frontend, backend, "/describe", "-X", "PUT", "-H", "Expect: 100-continue", "--expect100-timeout", "20", body=body)
    assert (answer.status, json.loads(answer.body)["size"]) == (200, len(body)), answer


def test_interim_responses_are_passed_on(front, frontend, backend):
    answer = front.curl(frontend, backend, "/hints?count=3")
    assert (answer.interim, answer.status, answer.body) == ([103, 103, 103], 200, b"final"), answer
    assert dict(answer.blocks[1])["link"] == "</1.css>; rel=preload"


@pytest.mark.parametrize("code", [201, 204, 304, 404, 418, 500, 503])
def test_a_status_is_passed_on(front, frontend, backend, code):
    answer = front.curl(frontend, backend, f"/status/{code}")
    assert (answer.exit_code, answer.status, answer.field("x-status")) == (0, code, str(code)), answer
    assert answer.body == (b"" if code in (204, 304) else b"status")


def test_head_has_no_body(front, frontend, backend):
    answer = front.curl(frontend, backend, "/bytes?count=1000&sized=1", "--head")
    assert (answer.exit_code, answer.status, answer.field("content-length")) == (0, 200, "1000"), answer.errors


def test_cookies_are_one_field_for_http1_and_come_back_apart(front, frontend, backend):
    answer = front.curl(frontend, backend, "/cookies", "-H", "cookie: a=b; c=d", "-H", "cookie: e=f")
    cookies = json.loads(answer.body)
    if (frontend, backend) == ("2", "1"):
        assert cookies == ["a=b; c=d; e=f"]
    assert "; ".join(cookies) == "a=b; c=d; e=f"
    assert [value for name, value in answer.fields if name == "set-cookie"] == ["a=1", "b=2"]


def test_an_answer_that_breaks_off_is_not_taken_for_whole(front, frontend, backend):
    for sized in ("", "&sized=1"):
        answer = front.curl(frontend, backend, f"/bytes?count=1000000&break=300000{sized}")
        assert answer.status == 200
        assert answer.exit_code in (18, 55, 56, 92), (answer.exit_code, len(answer.body), answer.errors)
        assert payload(0, 0, 1_000_000).startswith(answer.body)


def _upload(front, frontend: str, backend: str, path: str, caller: str = "web") -> tuple[int, bytes]:
    """Status and body of the answer to an upload that nobody reads to its end. Not by curl over HTTP/2: 7.88 takes an
    answer before the end of its upload (RFC 9113 section 8.1) for an error."""
    if frontend == "1":
        answer = front.curl(frontend, backend, path, "-X", "POST", caller=caller, body=bytes(20_000_000))
        return answer.status, answer.body
    front.skip_if_untranslated(frontend, backend)
    with H2Client(front.address(backend, caller)) as client:
        number = client.request("POST", front.authority(backend, caller), path, is_open=True)
        client.send(number, bytes(20_000_000), is_last=True)
        answer = client.response(number)
        assert answer.is_ended and answer.reset in (None, 0), answer
        assert client.response(client.request("GET", front.authority(backend), "/status/201")).status in (201, 403)
        return answer.status, bytes(answer.data)


def test_an_answer_before_the_whole_request_arrives(front, frontend, backend):
    assert _upload(front, frontend, backend, "/early") == (413, b"early")


def test_request_trailers_arrive_from_http2(front, backend):
    front.skip_if_untranslated("2", backend)
    with H2Client(front.address(backend)) as client:
        stream = client.request(
            "POST", front.authority(backend), "/describe", [("te", "trailers")], b"body" * 1000,
            [("x-checksum", "abc"), ("x-more", "d")])
        answer = client.response(stream)
        assert answer.status == 200
        seen = json.loads(bytes(answer.data))
        assert (seen["size"], dict(map(tuple, seen["trailers"]))) == (4000, {"x-checksum": "abc", "x-more": "d"})


def test_request_trailers_arrive_from_http1(front, backend):
    front.skip_if_untranslated("1", backend)
    with socket.create_connection(front.address(backend), timeout=10) as connection:
        connection.sendall(
            f"POST /describe HTTP/1.1\r\nHost: {front.authority(backend)}\r\nConnection: close, te\r\nTE: trailers\r\n"
            "Trailer: x-checksum\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\nx-checksum: abc\r\n\r\n"
            .encode())
        answer = _read_to_the_end(connection)
    seen = re.search(rb'"trailers": (\[.*?\]\]|\[\])', answer)
    assert seen and json.loads(seen[1]) == [["x-checksum", "abc"]], answer


def test_many_streams_of_one_connection_do_not_mix(front, backend):
    front.skip_if_untranslated("2", backend)
    with H2Client(front.address(backend)) as client:
        wanted = {
            client.request("GET", front.authority(backend), f"/bytes?count={100_000 + seed}&seed={seed}"): seed
            for seed in range(60)}
        for stream, seed in wanted.items():
            answer = client.response(stream)
            assert (answer.status, answer.reset) == (200, None)
            assert bytes(answer.data) == payload(seed, 0, 100_000 + seed)


def test_a_reset_stream_leaves_the_others_alone(front, backend):
    front.skip_if_untranslated("2", backend)
    with H2Client(front.address(backend)) as client:
        authority = front.authority(backend)
        other = client.request("GET", authority, "/bytes?count=3000000&seed=1")
        for _ in range(20):
            client.reset(client.request("GET", authority, "/bytes?count=3000000&seed=2"))
        answer = client.response(other)
        assert bytes(answer.data) == payload(1, 0, 3_000_000)
        assert client.response(client.request("GET", authority, "/status/201")).status == 201


def test_answers_that_nobody_reads_to_the_end_cost_later_calls_nothing(front, backend):
    """What was on its way to a caller that left must not count for ever against a connection's window, or pause it."""
    for round in range(4):
        callers = []
        for _ in range(60):
            connection = socket.socket()
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.settimeout(10)
            connection.connect(front.address(backend))
            request = f"GET /bytes?count=4000000 HTTP/1.1\r\nHost: {front.authority(backend)}\r\n\r\n"
            if not (front.is_direct and backend == "2"):
                connection.sendall(request.encode())
            callers.append(connection)
        meanwhile(0.5)
        for connection in callers:
            connection.close()
    answers = [front.curl(version, backend, "/bytes?count=9000000&seed=5", seconds=15)
               for version in "12" for _ in range(4) if not front.is_direct or version == backend]
    assert all(answer.body == payload(5, 0, 9_000_000) for answer in answers), [answer.errors for answer in answers]


def test_calls_at_once_all_come_back(front, frontend, backend):
    def call(seed: int) -> bool:
        answer = front.curl(frontend, backend, f"/bytes?count=50000&seed={seed}")
        return answer.status == 200 and answer.body == payload(seed, 0, 50_000)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(call, range(40)))


@pytest.mark.heddle
def test_who_is_not_allowed_is_told_so(front, frontend, backend):
    answer = front.curl(frontend, backend, "/", caller="batch")
    assert (answer.status, answer.field("x-heddle-reason"), answer.body.strip()) == (403, "denied", b"denied"), answer
    answer = front.curl(frontend, backend, "/forbidden/x")
    assert (answer.status, answer.field("x-heddle-reason")) == (403, "denied"), answer


@pytest.mark.heddle
def test_a_refused_upload_ends_at_once(front, frontend, backend):
    assert _upload(front, frontend, backend, "/", caller="batch") == (403, b"denied\n")


@pytest.mark.heddle
def test_a_gateway_does_not_tell_outsiders_why(front, frontend, backend):
    answer = front.curl(frontend, backend, "/forbidden/x", caller="edge-tls")
    assert (answer.status, answer.field("x-heddle-reason"), answer.body) == (403, None, b""), answer


@pytest.mark.heddle
def test_a_host_that_nobody_has_is_404(front, frontend):
    answer = curl("http://nobody.shop/", SPEAKS[frontend], "--connect-to", f"::127.0.0.1:{WEB}")
    assert (answer.status, answer.field("x-heddle-reason")) == (404, "no-route"), answer


@pytest.mark.heddle
def test_a_gateway_offers_both_versions(front):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for offered, expected in ((["h2", "http/1.1"], "h2"), (["http/1.1"], "http/1.1"), (["h2"], "h2"), ([], None)):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if offered:
            context.set_alpn_protocols(offered)
        with socket.create_connection(("127.0.0.1", EDGE_TLS), timeout=10) as connection:
            with context.wrap_socket(connection, server_hostname="plain.edge.example") as session:
                assert session.selected_alpn_protocol() == expected


@pytest.mark.heddle
def test_an_upgrade_to_h2c_is_never_made(front, backend):
    """A request that asks for it is answered as if it had not."""
    answer = front.curl(
        "1", backend, "/", "-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: h2c", "-H",
        "HTTP2-Settings: AAMAAABkAAQAAP__")
    assert (answer.status, answer.version) == (200, "1.1")
    assert not {"upgrade", "http2-settings"} & dict(map(tuple, json.loads(answer.body)["fields"])).keys()


@pytest.mark.heddle
def test_connect_from_a_caller_is_refused(front):
    with H2Client(("127.0.0.1", WEB)) as client:
        answer = client.response(client.request("CONNECT", "plain.shop:80", None, scheme=None, is_open=True))
        assert answer.reset is not None or answer.status >= 400, answer
        assert client.response(client.request("GET", front.authority("1"), "/status/201")).status == 201


@pytest.mark.parametrize("backend", ["1", "2"])
def test_nghttp_fetches_with_statistics_and_without_complaint(front, backend):
    front.skip_if_untranslated("2", backend)
    host, port = front.address(backend)
    done = subprocess.run(
        ["nghttp", "--null-out", "--stat", "--multiply=10", "--window-bits=20", f"--header=:authority: {front.authority(backend)}",
         f"http://{host}:{port}/bytes?count=200000"], capture_output=True, timeout=60)
    text = (done.stdout + done.stderr).decode()
    assert done.returncode == 0, text
    assert len(re.findall(r" 200 +[\d.]+[KM]? ", text)) == 10, text
    assert "ERROR" not in text


def test_h2load_has_no_failure(front, backend):
    front.skip_if_untranslated("2", backend)
    count = 2000 if front.is_direct else 10_000  # Python's servers are slow
    host, port = front.address(backend)
    done = subprocess.run(
        ["h2load", f"--requests={count}", "--clients=4", "--max-concurrent-streams=16",
         f"--header=:authority: {front.authority(backend)}", f"http://{host}:{port}/status/200"],
        capture_output=True, timeout=110)
    text = (done.stdout + done.stderr).decode()
    assert f"{count} succeeded, 0 failed, 0 errored, 0 timeout" in text, text
    assert f"{count} 2xx" in text, text


def _read_to_the_end(connection: socket.socket) -> bytes:
    data = b""
    while piece := connection.recv(65536):
        data += piece
    return data
