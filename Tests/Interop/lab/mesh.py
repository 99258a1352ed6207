"""Two Heddle nodes, one on each host, as an operator runs them."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
from pathlib import Path

from . import manifests
from .namespaces import Host, TwoHosts
from .processes import Process

INBOUND_PORT = 15008


class Authority:
    """The operator's certificate authority, that both nodes sign with, and a certificate for gateways."""

    def __init__(self, folder: Path):
        folder.mkdir(mode=0o700)
        self.certificate, self.key = folder / "root.pem", folder / "root.key"
        self.gateway_certificate, self.gateway_key = folder / "gateway.pem", folder / "gateway.key"
        for key in (self.key, self.gateway_key):
            _openssl("genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", key)
            key.chmod(0o600)
        _openssl(
            "req", "-x509", "-new", "-key", self.key, "-days", "1", "-subj", "/O=interop.example", "-out",
            self.certificate, *_extensions(
                "basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign",
                f"subjectAltName=URI:spiffe://{manifests.TRUST_DOMAIN}"))
        _openssl(
            "req", "-x509", "-new", "-key", self.gateway_key, "-days", "1", "-subj", "/O=gateway", "-out",
            self.gateway_certificate, *_extensions("subjectAltName=DNS:edge.example"))


class Node:
    """One `heddle run`. Its folder outlives the process, so that it can be killed and started again."""

    def __init__(self, host: Host, folder: Path, binary: Path, *options: str):
        """Options beside those that every node has; where they say --manifests, it is not the folder that `write` writes to."""
        self.host, self._binary, self._options = host, binary, options
        self._manifests, self._state = folder / "manifests", folder / "state"
        self._manifests.mkdir(parents=True)
        self._log = folder / "heddle.log"
        self._process: Process | None = None
        #: What starts it: a program that makes it another user's, with the program's arguments.
        self.runner: list[str] = []

    def write(self, resources: list[dict]) -> None:
        """At once, as editors do."""
        staged = self._manifests.parent / "staged"
        staged.write_text(manifests.text(resources))
        os.rename(staged, self._manifests / "mesh.yaml")

    def start(self, is_awaited: bool = True) -> None:
        self._process = Process(
            self.host, [
                *self.runner, str(self._binary), "run", "--state", str(self._state), "--node", self.host.name,
                *([] if "--manifests" in self._options else ["--manifests", str(self._manifests)]), *self._options, *(["--log-level", level] if (level := os.environ.get("HEDDLE_LOG_LEVEL")) else [])],
            self._log)
        if is_awaited:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        self.process.wait_for("it was ready", self._is_ready)

    @property
    def process(self) -> Process:
        assert self._process is not None, f"node {self.host.name} was not started"
        return self._process

    def kill(self) -> None:
        self.process.kill()

    def stop(self) -> None:
        """Ends it in good order, and says so where that fails: a crash is nobody's good end."""
        if self._process is None:
            return
        process, self._process = self._process, None
        was_running = process.is_running
        code = process.end(35)
        if was_running and code != 0 or code not in (0, -signal.SIGKILL):
            raise AssertionError(f"node {self.host.name} ended with {code}; it said:\n{process.said()}")

    def command(self, *arguments: str) -> subprocess.CompletedProcess:
        """Of `heddle`, on its host, to this node."""
        return subprocess.run(
            self.host.command([str(self._binary), *arguments, "--state", str(self._state)]), capture_output=True, text=True,
            timeout=60)

    @property
    def generation(self) -> int:
        return self.status()["serving"]["generation"]

    def status(self) -> dict:
        return json.loads(self.admin("/v1/status"))

    def metrics(self) -> str:
        return self.admin("/metrics")

    def admin(self, path: str) -> str:
        connection = http.client.HTTPConnection("heddle", timeout=10)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(10)
        try:
            connection.sock.connect(str(self._state / "admin.sock"))
            connection.request("GET", path)
            response = connection.getresponse()
            body = response.read().decode()
            if response.status != 200:
                raise OSError(f"{path}: {response.status} {body}")
            return body
        finally:
            connection.close()

    def log(self, byte_count: int = 6000) -> str:
        if not self._log.exists():
            return "(never started)"
        with open(self._log, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - byte_count))
            return file.read().decode(errors="replace")

    def _is_ready(self) -> bool:
        try:
            return self.admin("/readyz").strip() == "ready"
        except OSError:
            return False


class Mesh:
    """Both nodes with the same resources, save that node a may be told another way to node b."""

    def __init__(self, hosts: TwoHosts, authority: Authority, folder: Path, binary: Path):
        self.a, self.b = (Node(host, folder / host.name, binary) for host in (hosts.a, hosts.b))
        self._authority = authority
        #: Where node a believes node b to be: a relay's address, to put it between them.
        self.address_of_b = f"{hosts.b.address}:{INBOUND_PORT}"
        #: Fields of Mesh.spec.proxy.
        self.proxy: dict = {"accessLog": "Failures"}
        #: What was written last.
        self.resources: list[dict] = []

    def start(self, resources: list[dict]) -> None:
        self.resources = resources
        for node in (self.a, self.b):
            node.write(self._for(node, resources))
            node.start(is_awaited=False)
        for node in (self.a, self.b):
            node.wait_until_ready()

    def replace(self, resources: list[dict]) -> None:
        """Returns when both nodes serve them. They must differ from those that are served."""
        self.resources = resources
        nodes = [node for node in (self.a, self.b) if node.process.is_running]
        before = {node: node.generation for node in nodes}
        for node in nodes:
            node.write(self._for(node, resources))
        for node in nodes:
            node.process.wait_for("it served the next generation", lambda: node.generation > before[node])

    def stop(self) -> None:
        problems = []
        for node in (self.a, self.b):
            try:
                node.stop()
            except AssertionError as problem:
                problems.append(str(problem))
        assert not problems, "\n".join(problems)

    def _for(self, node: Node, resources: list[dict]) -> list[dict]:
        addresses = {each.host.name: f"{each.host.address}:{INBOUND_PORT}" for each in (self.a, self.b)}
        if node is self.a:
            addresses["b"] = self.address_of_b
        authority = {
            "type": "Files", "certificateFile": str(self._authority.certificate), "keyFile": str(self._authority.key)}
        return [
            manifests.resource("Mesh", "mesh", {
                "trustDomain": manifests.TRUST_DOMAIN, "identity": {"authority": authority}, "proxy": self.proxy}),
            *(manifests.resource("Node", name, {"address": address}) for name, address in addresses.items()),
            *resources]


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, stderr=subprocess.DEVNULL)


def _extensions(*extensions: str) -> list[str]:
    return [word for extension in extensions for word in ("-addext", extension)]
