"""The Gateway API groups that the shared runner leaves to each project: routes between services, called through a
workload's outbound listener, and listeners with TLS."""

from __future__ import annotations

import contextlib
import copy
import http.client
import socket
import ssl
import subprocess
from pathlib import Path

import heddle_under_test
from heddle_under_test import Heddle

MESH_NAMESPACE = "gateway-conformance-mesh"


def run(runner, table: dict, heddle: Heddle, folder: Path) -> list[tuple[str, str, str]]:
    """`runner` is the shared gwapi_runner module. Returns (case id, verdict, note)."""
    results = []
    for group in table["groups"]:
        if group["mesh"] and group["protocol"] == "http":
            results += _mesh_group(runner, group, heddle)
        elif any((case.get("target") or {}).get("tls") for case in group["cases"]):
            results += _tls_group(runner, table, group, heddle, folder)
    return results


def _mesh_group(runner, group: dict, heddle: Heddle) -> list[tuple[str, str, str]]:
    namespaces = {MESH_NAMESPACE, *(route["namespace"] for route in group["routes"])}
    echoes = {name: runner.Echo(MESH_NAMESPACE, name) for name in ("echo-v1", "echo-v2")}
    documents = [
        heddle_under_test.open_mesh(), heddle_under_test.resource("Service", "echo", MESH_NAMESPACE, {"protocol": "HTTP"})]
    for name, echo in echoes.items():
        documents.append(heddle_under_test.service(name, MESH_NAMESPACE, echo.server_address[1]))
    outbound = {}
    for namespace in sorted(namespaces):
        outbound[namespace] = f"127.0.0.1:{heddle_under_test.free_port('127.0.0.1')}"
        documents.append(heddle_under_test.resource(
            "Workload", "caller", namespace, {"serviceAccount": "caller", "outbound": {"listen": outbound[namespace]}}))
    for route in group["routes"]:
        documents.append(heddle_under_test.published_route(route))
    try:
        heddle.serve(documents)
        results = []
        for case in map(copy.deepcopy, group["cases"]):
            # A caller in the mesh says whom it calls; where the table leaves that open, it is the parent service.
            case["request"].setdefault("host", f"echo.{MESH_NAMESPACE}")
            if "." not in case["request"]["host"]:
                case["request"]["host"] += f".{MESH_NAMESPACE}"
            origin = MESH_NAMESPACE
            if "from consumer route's namespace" in case.get("title", "") and "not from" not in case["title"]:
                origin = group["routes"][0]["namespace"]
            why = runner.run_case(case, outbound[origin], {}, 3)
            results.append((case["id"], "FAIL" if why else "PASS", why or ""))
        return results
    except RuntimeError as error:
        return [(case["id"], "FAIL", str(error)) for case in group["cases"]]
    finally:
        for echo in echoes.values():
            echo.shutdown()
            echo.server_close()


def _tls_group(runner, table: dict, group: dict, heddle: Heddle, folder: Path) -> list[tuple[str, str, str]]:
    certificate, key = folder / "gateway.pem", folder / "gateway.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1",
         "-subj", "/CN=conformance", "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    key.chmod(0o600)
    echoes = {name: runner.Echo(namespace, name) for namespace, name in runner.NAMES}
    documents = [heddle_under_test.open_mesh()]
    for name, echo in echoes.items():
        documents.append(heddle_under_test.service(name, echo.ns, echo.server_address[1]))
    for route in group["routes"]:
        documents.append(heddle_under_test.published_route(route))
    target = group["cases"][0]["target"]
    source = next(gateway for gateway in table["gateways"] if gateway["name"] == target["gateway"])
    port = heddle_under_test.free_port("127.0.0.1")
    listeners = []
    for listener in source["spec"]["listeners"]:
        entry = {
            "name": listener["name"], "address": "127.0.0.1", "port": port, "protocol": "HTTPS",
            "tls": {"certificateFile": str(certificate), "keyFile": str(key)},
        }
        if "hostname" in listener:
            entry["hostname"] = listener["hostname"]
        listeners.append(entry)
    documents.append(heddle_under_test.gateway(source["name"], source["namespace"], listeners))
    try:
        heddle.serve(documents)
        results = []
        for case in group["cases"]:
            with _tls_connections(runner, case["target"]["sni"]):
                why = runner.run_case(case, f"127.0.0.1:{port}", {}, 3)
            results.append((case["id"], "FAIL" if why else "PASS", why or ""))
        return results
    except RuntimeError as error:
        return [(case["id"], "FAIL", str(error)) for case in group["cases"]]
    finally:
        for echo in echoes.values():
            echo.shutdown()
            echo.server_close()


@contextlib.contextmanager
def _tls_connections(runner, server_name: str):
    """While it lasts, the runner's connections speak TLS and ask for `server_name`. What certificate they get is not what
    the group is about."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE

    class Connection(http.client.HTTPConnection):
        def connect(self):
            plain = socket.create_connection((self.host, self.port), self.timeout)
            self.sock = context.wrap_socket(plain, server_hostname=server_name)

    original = runner.http.client.HTTPConnection
    runner.http.client.HTTPConnection = Connection
    try:
        yield
    finally:
        runner.http.client.HTTPConnection = original
