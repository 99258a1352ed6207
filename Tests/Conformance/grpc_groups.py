"""The Gateway API groups about gRPC, which the shared runner leaves to each project: called and answered by grpcio, with no
generated code, so that a message is what its bytes are. Without grpcio there is nothing to run."""

from __future__ import annotations

import concurrent.futures
import json

import gateway_api_adapter
import heddle_under_test
from heddle_under_test import Heddle

try:
    import grpc
except ImportError:
    grpc = None

MESH_NAMESPACE = "gateway-conformance-mesh"
#: The service of the published suite's backends, and its methods.
SERVICE = "gateway_api_conformance.echo_basic.grpcecho.GrpcEcho"
METHODS = ("Echo", "EchoTwo", "EchoThree")
BACKENDS = [
    ("gateway-conformance-infra", name)
    for name in ("grpc-infra-backend-v1", "grpc-infra-backend-v2", "grpc-infra-backend-v3")]


def run(table: dict, heddle: Heddle) -> list[tuple[str, str, str]]:
    """Returns (case id, verdict, note)."""
    groups = [group for group in table["groups"] if group["protocol"] == "grpc"]
    if grpc is None and groups:
        print("conformance: grpcio is not installed (pip install grpcio): the groups about gRPC are skipped")
        return [(case["id"], "ABSENT", "without grpcio") for group in groups for case in group["cases"]]
    results = []
    for group in groups:
        results += _mesh_group(group, heddle) if group["mesh"] else _gateway_group(table, group, heddle)
    return results


class Echo:
    """A workload that answers each call with what it received of it."""

    def __init__(self, namespace: str, name: str):
        self.namespace, self.name = namespace, name
        self._server = grpc.server(concurrent.futures.ThreadPoolExecutor(4))
        handler = grpc.unary_unary_rpc_method_handler(self._answer)
        self._server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler(SERVICE, {method: handler for method in METHODS}),))
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        self._server.start()

    def _answer(self, request: bytes, context) -> bytes:
        headers: dict[str, list[str]] = {}
        for key, value in context.invocation_metadata():
            headers.setdefault(key, []).append(value if isinstance(value, str) else value.decode("latin-1"))
        return json.dumps({"namespace": self.namespace, "pod": f"{self.name}-0", "headers": headers}).encode()

    def stop(self) -> None:
        self._server.stop(None)


def _gateway_group(table: dict, group: dict, heddle: Heddle) -> list[tuple[str, str, str]]:
    echoes = [Echo(namespace, name) for namespace, name in BACKENDS]
    job = {
        "group": group["name"], "routes": group["routes"], "other_objects": group["other_objects"],
        "gateways": table["gateways"] + [item for item in group["other_objects"] if item["kind"] == "Gateway"],
        "backends": {f"{echo.namespace}/{echo.name}": {"host": "127.0.0.1", "port": echo.port} for echo in echoes},
    }
    try:
        documents, listeners = gateway_api_adapter.translate(job, heddle.folder)
        heddle.serve(documents)
        return [
            _judged(case, listeners[f"{case['target']['gateway']}:{case['target']['port']}"]) for case in group["cases"]]
    except (RuntimeError, gateway_api_adapter.Unsupported) as error:
        return [(case["id"], "FAIL", str(error)) for case in group["cases"]]
    finally:
        for echo in echoes:
            echo.stop()


def _mesh_group(group: dict, heddle: Heddle) -> list[tuple[str, str, str]]:
    echoes = [Echo(MESH_NAMESPACE, name) for name in ("echo-v1", "echo-v2")]
    outbound = f"127.0.0.1:{heddle_under_test.free_port('127.0.0.1')}"
    documents = [
        heddle_under_test.open_mesh(),
        heddle_under_test.resource("Service", "echo", MESH_NAMESPACE, {"protocol": "GRPC"}),
        heddle_under_test.resource(
            "Workload", "caller", MESH_NAMESPACE, {"serviceAccount": "caller", "outbound": {"listen": outbound}}),
        *(heddle_under_test.service(echo.name, MESH_NAMESPACE, echo.port, protocol="GRPC") for echo in echoes),
        *(heddle_under_test.published_route(route)
          for route in group["routes"]),
    ]
    try:
        heddle.serve(documents)
        return [_judged(case, outbound) for case in group["cases"]]
    except RuntimeError as error:
        return [(case["id"], "FAIL", str(error)) for case in group["cases"]]
    finally:
        for echo in echoes:
            echo.stop()


def _judged(case: dict, address: str) -> tuple[str, str, str]:
    """Twice, as a route that came by chance would not be found again."""
    why = _failure(case, address) or _failure(case, address)
    return (case["id"], "FAIL" if why else "PASS", why or "")


def _failure(case: dict, address: str) -> str | None:
    request, expect = case["request"], case["expect"]
    path = request["path"] if request["path"].startswith("/") else f"/{SERVICE}/Echo"
    authority = request.get("authority") or request.get("host") or address
    metadata = {**request.get("metadata", {}), **request.get("headers", {})}
    with grpc.insecure_channel(address, options=[("grpc.default_authority", authority)]) as channel:
        try:
            answer = channel.unary_unary(path)(
                b"", metadata=[(key.lower(), value) for key, value in metadata.items()], timeout=5)
            status, details, echoed = 0, "", json.loads(answer)
        except grpc.RpcError as error:
            status, details, echoed = error.code().value[0], error.details(), None
    wanted = expect.get("grpc_status", 0)
    if status != wanted:
        return f"grpc-status {status} ({details}), expected {wanted}"
    if echoed is None:
        return None
    if not echoed["pod"].startswith(expect.get("backend", "")):
        return f"backend {echoed['pod']}, expected {expect['backend']}"
    if echoed["namespace"] != expect.get("namespace", echoed["namespace"]):
        return f"namespace {echoed['namespace']}"
    upstream = expect.get("upstream", {})
    for name, value in upstream.get("headers", {}).items():
        found = ",".join(echoed["headers"].get(name.lower(), []))
        if found.replace(", ", ",") != value.replace(", ", ","):
            return f"upstream header {name}={found!r}, expected {value!r}"
    for name in upstream.get("absent_headers", []):
        if name.lower() in echoed["headers"]:
            return f"upstream header {name} present"
    return None
