"""Connections from outside, through a gateway on the other host than their workload's: by port, and by the name in SNI."""

from __future__ import annotations

import socket
import ssl

import pytest

from lab.manifests import allow, resource, service
from workloads.behaviours import payload

pytestmark = pytest.mark.heddle

PLAIN, CLOSED, NAMES = 9000, 9001, 9443
RAW, ONE, TWO = 20033, 20041, 20042


@pytest.fixture(scope="module")
def gateway(laboratory):
    if laboratory.is_direct:
        return
    authority = laboratory.authority
    credentials = (str(authority.gateway_certificate), str(authority.gateway_key))
    laboratory.workload("raw", "tcp_workload.py", RAW, "raw")
    laboratory.workload("one", "tcp_workload.py", ONE, "one", *credentials)
    laboratory.workload("two", "tcp_workload.py", TWO, "two", *credentials)
    resources = [
        resource("Gateway", "edge", {"node": "a", "listeners": [
            {"name": "plain", "port": PLAIN, "protocol": "TCP"}, {"name": "closed", "port": CLOSED, "protocol": "TCP"},
            {"name": "names", "port": NAMES, "protocol": "TLS", "tls": {"mode": "Passthrough"}}]}),
        resource("TCPRoute", "plain", {
            "parentRefs": [{"name": "edge", "sectionName": "plain"}], "rules": [{"backendRefs": [{"name": "raw"}]}]}),
        resource("TCPRoute", "closed", {
            "parentRefs": [{"name": "edge", "sectionName": "closed"}], "rules": [{"backendRefs": [{"name": "secret"}]}]})]
    for name, port in (("raw", RAW), ("one", ONE), ("two", TWO), ("secret", RAW)):
        resources += service(name, "TCP", port)
        if name != "secret":
            resources.append(allow(f"edge-to-{name}", name, ["edge"]))
    for name, backend in (("one", "one"), ("two", "two"), ("closed", "secret")):
        resources.append(resource("TLSRoute", name, {
            "parentRefs": [{"name": "edge", "sectionName": "names"}], "hostnames": [f"{name}.example.com"],
            "rules": [{"backendRefs": [{"name": backend}]}]}))
    laboratory.mesh().start(resources)


def _read_all(connection: socket.socket) -> bytes:
    data = bytearray()
    while piece := connection.recv(65536):
        data += piece
    return bytes(data)


def test_a_port_leads_to_its_service(gateway):
    with socket.create_connection(("127.0.0.1", PLAIN), timeout=10) as connection:
        connection.sendall(b"produce 3000000\n")
        assert _read_all(connection) == b"hello from raw\n" + payload(0, 0, 3_000_000)


@pytest.mark.parametrize("name", ["one", "two"])
def test_a_name_leads_to_the_service_that_ends_tls(gateway, name):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", NAMES), timeout=10) as connection:
        with context.wrap_socket(connection, server_hostname=f"{name}.example.com") as session:
            session.sendall(b"echo\nthrough")
            data = b""
            while not data.endswith(b"through"):
                data += session.recv(100)
            assert data == f"hello from {name}\nthrough".encode()


@pytest.mark.parametrize("name", ["three.example.com", "closed.example.com", None])
def test_a_name_that_leads_nowhere_or_to_what_is_denied_gets_no_byte(gateway, name):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(("127.0.0.1", NAMES), timeout=10) as connection:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            context.wrap_socket(connection, server_hostname=name)


def test_what_is_no_tls_gets_no_byte(gateway):
    _expect_silence(NAMES, b"GET / HTTP/1.1\r\nHost: one.example.com\r\n\r\n")


def test_a_service_that_the_gateway_may_not_call_gets_no_byte(gateway):
    _expect_silence(CLOSED, b"echo\n")


def _expect_silence(port: int, words: bytes) -> None:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(words)
            assert _read_all(connection) == b""
    except ConnectionError:
        pass
