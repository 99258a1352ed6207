"""What the bench asks of a proxy, and how one is configured from its templates in Benchmarks/peers and started."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from certificates import Certificates
from load import answers, client_context, read_bytes
from processes import LOAD_CORE, BenchmarkError, Child, Ports, wait_until
from tools import tool
from traffic import GRPC, HTTP, Traffic

TEMPLATES = Path(__file__).resolve().parent.parent / "peers"
BULK_BYTES = 1 << 30
CHANGING_PATH = "/changing/item"


@dataclass
class Work:
    """What a proxy is asked to do in one arm."""

    folder: Path
    ports: Ports
    backend: int
    certificates: Certificates | None = None
    #: What is called, and what the workload speaks.
    traffic: Traffic = HTTP
    #: The hop's listener has a certificate of its own (server side only) and offers `h2` and `http/1.1`.
    is_tls: bool = False
    #: What the peers speak between their two processes, as ALPN names it. Heddle has its own way.
    between: str = "h2"
    #: Routes, each with a rule, besides the one for `/bench/`: `/r0/`, `/r1/`, …
    rule_count: int = 0
    #: Policies besides that decide nothing: some match each call, most none. Heddle's alone.
    shadow_count: int = 0
    #: The hop is a node, and this goes on from its address: a guard. None: a mesh of one host. Heddle's alone.
    node: str | None = None
    #: Resources that are there and never called. Peers get a third of it as routes, Heddle three kinds of resources.
    filler_count: int = 0

    def subfolder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def route_prefixes(self) -> list[str]:
        numbered = [f"/r{index}/" for index in range(self.rule_count)]
        return [self.traffic.prefix, *numbered, *(f"/filler{index}/" for index in range(self.filler_count // 3))]


@dataclass
class Deployment:
    """A proxy that serves."""

    name: str
    port: int
    #: Whose CPU time and memory count: two processes on the mesh path.
    children: list[Child]
    #: Where mutual TLS from another node arrives, and the name a client asks for there.
    tls_port: int | None = None
    tls_name: str = "orders"
    #: The process behind `tls_port`.
    tls_children: list[Child] = field(default_factory=list)

    def stop(self) -> None:
        for child in self.children:
            child.stop()


class Proxy:
    """What every proxy can do. `hop` and `mesh` return once a first request has been answered rightly."""

    name = ""
    has_mesh = True
    #: False where a proxy cannot say who may call what; it then does less than the others.
    has_rules = True
    #: False where a change of routes means a restart.
    has_reload = True

    def program(self) -> str | None:
        raise NotImplementedError

    def version(self) -> str:
        raise NotImplementedError

    def hop(self, work: Work) -> Deployment:
        raise NotImplementedError

    def mesh(self, work: Work) -> Deployment:
        raise NotImplementedError

    def tcp_hop(self, work: Work) -> Deployment:
        """Plain TCP in and out, one process."""
        raise NotImplementedError

    def tcp_mesh(self, work: Work) -> Deployment:
        """Plain TCP in and out, two processes with mutual TLS between."""
        raise NotImplementedError

    def publish(self, generation: int) -> None:
        """Makes `/changing/` answer with `x-generation: generation`: one rename(2), and the reload signal if any."""
        raise NotImplementedError


def fill(template: str, target: Path, **values: object) -> Path:
    """Writes a template with its `{{names}}` replaced, by way of rename(2)."""
    text = (TEMPLATES / template).read_text()
    for name, value in values.items():
        text = text.replace("{{" + name + "}}", str(value))
    return replace(target, text)


def replace(target: Path, text: str) -> Path:
    staged = target.parent.parent / f".{target.name}.staged"
    staged.write_text(text)
    os.rename(staged, target)
    return target


def certificate_values(certificates: Certificates) -> dict[str, object]:
    return {
        "root": certificates.root, "web_bundle": certificates.web.bundle, "orders_bundle": certificates.orders.bundle,
        "web_certificate": certificates.web.certificate, "web_key": certificates.web.key,
        "web_spiffe_id": certificates.web.spiffe_id, "orders_certificate": certificates.orders.certificate,
        "orders_key": certificates.orders.key, "orders_spiffe_id": certificates.orders.spiffe_id,
    }


def serve(
    name: str, port: int, children: list[Child], seconds: float = 30, work: Work | None = None, has_rules: bool = True,
    **more
) -> Deployment:
    """Waits for the first right answer, and checks that the rule is enforced."""
    traffic = work.traffic if work else HTTP
    context = client_context(work.certificates, ["http/1.1"]) if work and work.is_tls else None
    wait_until(f"{name}'s first answer", children, lambda: traffic.is_answered(port, context), seconds)
    if has_rules and not traffic.is_refused(port, context):
        raise BenchmarkError(f"{name} does not enforce the rule: what it does not allow was not refused")
    return Deployment(name, port, children, **more)


def start_backend(work: Work, user: int | None = None) -> tuple[int, Child]:
    """nginx as the workload, on the load's core; as `user`, whom its folder must be open to, or as who runs the bench."""
    nginx = shutil.which("nginx")
    if not nginx:
        raise BenchmarkError("the workload of every arm is nginx, which is not installed: apt-get install nginx")
    folder, port = work.subfolder("backend"), work.ports.take()
    with open(folder / "bulk", "wb") as bulk:
        bulk.truncate(BULK_BYTES)
    config = fill(
        "nginx/backend.conf", folder / "backend.conf", folder=folder, port=port, user="" if user else nginx_user())
    command = [nginx, "-p", str(folder), "-c", str(config)]
    if user:
        os.chown(folder, user, user)
        command = ["setpriv", "--reuid", str(user), "--regid", str(user), "--clear-groups", "--", *command]
    child = Child("backend", command, LOAD_CORE, folder)
    wait_until("the workload", [child], lambda: answers(port) == 200)
    return port, child


def start_grpc_backend(work: Work) -> int:
    folder, port = work.subfolder("backend-grpc"), work.ports.take()
    child = Child("backend-grpc", [tool("echo_server"), str(port)], LOAD_CORE, folder)
    wait_until("the gRPC workload", [child], lambda: GRPC.is_answered(port))
    return port


def start_byte_source(work: Work) -> int:
    """Sends zeros to whoever connects, until that one closes."""
    folder, port = work.subfolder("backend-tcp"), work.ports.take()
    script = Path(__file__).with_name("byte_source.py")
    child = Child("backend-tcp", [sys.executable, "-B", str(script), str(port)], LOAD_CORE, folder)
    wait_until("the TCP workload", [child], lambda: read_bytes(port, 0.01) > 0)
    return port


def nginx_user() -> str:
    return "user root;" if os.geteuid() == 0 else ""


def first_line(*command: str) -> str:
    output = subprocess.run(command, capture_output=True, text=True)
    return (output.stdout or output.stderr).strip().splitlines()[0]
