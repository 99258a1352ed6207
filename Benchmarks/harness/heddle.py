"""Heddle itself, driven from outside: manifests in, `heddle run` as its users start it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from load import answers
from processes import PROXY_CORE, Child, wait_until
from proxy import Deployment, Proxy, Work, replace, serve
from traffic import Traffic

RESOURCES_PER_FILE = 99
NODE = "alpha"


class Heddle(Proxy):
    def __init__(self, binary: Path, name: str = "heddle"):
        self.binary = binary
        #: Another one than "heddle" where two binaries of ours are compared.
        self.name = name
        #: What its processes get besides the bench's own environment.
        self.environment: dict[str, str] = {}
        #: A program that runs it and looks on, with its arguments.
        self.runner: list[str] = []

    def program(self):
        return str(self.binary) if os.access(self.binary, os.X_OK) else None

    def version(self):
        output = subprocess.run([self.program(), "version"], capture_output=True, text=True).stdout.split()
        return output[-1] if output else "?"

    @property
    def port(self) -> int:
        """Of the gateway in the manifests written last."""
        return self._port

    def write_hop(self, work: Work) -> None:
        """A gateway, a service, the rule, and whatever more `work` asks for. One worker."""
        traffic, protocol = work.traffic, "HTTP"
        if work.is_tls:
            leaf = work.certificates.orders
            protocol = f'HTTPS, tls: {{certificateFile: "{leaf.certificate}", keyFile: "{leaf.key}"}}'
        folder = work.subfolder(f"{self.name}/manifests")
        self._folder, self._port, self._telemetry = folder, work.ports.take(), work.ports.take()
        _write(folder / "mesh.yaml", f"""apiVersion: heddle/v1
kind: Mesh
metadata: {{name: mesh}}
spec:
  proxy: {{workers: 1}}
  telemetry: {{listen: 127.0.0.1:{self._telemetry}}}
---
{_node(work)}apiVersion: heddle/v1
kind: Gateway
metadata: {{name: edge}}
spec:
  listeners: [{{name: http, address: 127.0.0.1, port: {self._port}, protocol: {protocol}}}]
---
apiVersion: heddle/v1
kind: Service
metadata: {{name: orders}}
spec: {{protocol: {_protocol(work)}}}
---
apiVersion: heddle/v1
kind: Workload
metadata: {{name: orders-1}}
spec: {{service: orders, address: "127.0.0.1:{work.backend}"{f", node: {NODE}" if work.node is not None else ""}}}
---
{_policy("edge-calls-orders", "orders", [traffic.prefix + "{**}", "/changing/{**}"], "edge", traffic.method)}
---
{_grpc_route("bench", "orders", traffic.prefix) if traffic.is_grpc else _route("bench", "orders", ["/bench"])}
""")
        _write_many(folder, "rule", list(_rules(work.rule_count)))
        _write_many(folder, "shadow", list(_shadows(work.shadow_count, traffic, account="edge")))
        _write_many(folder, "filler", list(_fillers(work.filler_count, work.backend)))
        if not traffic.is_grpc:
            self.publish(0)

    def start_hop(self, work: Work) -> Child:
        """Starts on the manifests written last."""
        folder = work.subfolder(self.name)
        arguments = ["run", "--manifests", str(self._folder), "--state", str(folder / "state")]
        if work.node is not None:
            arguments += ["--node", NODE]
        return Child(self.name, [*self.runner, self.program(), *arguments], PROXY_CORE, folder, self.environment)

    def hop(self, work):
        self.write_hop(work)
        return serve(self.name, self._port, [self.start_hop(work)], seconds=60, work=work)

    def is_ready(self) -> bool:
        # Probes answer to no name that a DNS server decides about.
        return answers(self._telemetry, "/readyz", host="localhost") == 200

    def publish(self, generation):
        replace(self._folder / "changing.yaml", f"""apiVersion: heddle/v1
kind: HTTPRoute
metadata: {{name: changing}}
spec:
  parentRefs: [{{kind: Gateway, name: edge}}]
  rules:
  - matches: [{{path: {{type: PathPrefix, value: /changing}}}}]
    filters:
    - type: ResponseHeaderModifier
      responseHeaderModifier: {{set: [{{name: x-generation, value: "{generation}"}}]}}
    backendRefs: [{{name: orders}}]
""")

    def mesh(self, work):
        outbound, beta, children = self._start_two(work, f"""spec: {{protocol: {_protocol(work)}}}
---
apiVersion: heddle/v1
kind: Workload
metadata: {{name: web-1}}
spec: {{service: web, node: alpha, outbound: {{listen: "127.0.0.1:OUTBOUND"}}}}
---
{_policy("web-calls-orders", "orders", [work.traffic.prefix + "{**}"], "web", work.traffic.method)}
""")
        return serve(
            self.name, outbound, children, work=work, tls_port=beta, tls_name="orders.default.mesh",
            tls_children=children[:1])

    def tcp_mesh(self, work):
        outbound, beta, children = self._start_two(work, """spec: {protocol: TCP}
---
apiVersion: heddle/v1
kind: Workload
metadata: {name: web-1}
spec: {service: web, node: alpha, outbound: {tcp: [{service: orders, listen: "127.0.0.1:OUTBOUND"}]}}
---
""" + _tcp_policy())
        return Deployment(self.name, outbound, children, tls_port=beta, tls_children=children[:1])

    def outbound(self, work: Work, selectors: str, name: str) -> Deployment:
        """A workload's own listener, for processes that its selectors match; without them for all."""
        outbound, child = self._start_one(
            work, name, f"""spec: {{protocol: HTTP}}
---
apiVersion: heddle/v1
kind: Workload
metadata: {{name: web-1}}
spec: {{serviceAccount: web, outbound: {{listen: "127.0.0.1:OUTBOUND"}}{", selectors: " + selectors if selectors else ""}}}
---
{_policy("web-calls-orders", "orders", [work.traffic.prefix + "{**}"], "web", work.traffic.method)}
""")
        return serve(self.name, outbound, [child], work=work)

    def configs(self, work: Work, readers: int, source: str) -> tuple[Child, list[int]]:
        """One host with a Config `app` of one source, whose spec is `source`, and workloads that may read it. Returns their listeners'
        ports, once the first of them reads a value."""
        folder, ports = work.subfolder(self.name), [work.ports.take() for _ in range(readers)]
        manifests = work.subfolder(f"{self.name}/manifests")
        workloads = "".join(f"""---
apiVersion: heddle/v1
kind: Workload
metadata: {{name: reader-{number}}}
spec: {{serviceAccount: reader-{number}, outbound: {{listen: "127.0.0.1:{port}"}}}}
""" for number, port in enumerate(ports))
        _write(manifests / "mesh.yaml", f"""apiVersion: heddle/v1
kind: Mesh
metadata: {{name: mesh}}
spec: {{proxy: {{workers: 1}}}}
---
apiVersion: heddle/v1
kind: ConfigSource
metadata: {{name: source}}
spec: {source}
---
apiVersion: heddle/v1
kind: Config
metadata: {{name: app}}
spec: {{sources: [source]}}
---
apiVersion: heddle/v1
kind: AuthorizationPolicy
metadata: {{name: readers-read}}
spec:
  targetRefs: [{{kind: Config, name: app}}]
  rules: [{{from: [{{source: {{namespaces: [default]}}}}]}}]
{workloads}""")
        arguments = ["run", "--manifests", str(manifests), "--state", str(folder / "state")]
        child = Child(self.name, [*self.runner, self.program(), *arguments], PROXY_CORE, folder, self.environment)
        wait_until(
            f"{self.name}'s first value", [child],
            lambda: answers(ports[0], "/v1/configs/~/app/values", host="config.mesh") == 200)
        return child, ports

    def _start_one(self, work: Work, name: str, orders: str) -> tuple[int, Child]:
        """One host, where web calls orders. `orders` goes on from the service's metadata."""
        folder, outbound = work.subfolder(f"{self.name}-{name}"), work.ports.take()
        manifests = work.subfolder(f"{self.name}-{name}/manifests")
        _write(manifests / "mesh.yaml", f"""apiVersion: heddle/v1
kind: Mesh
metadata: {{name: mesh}}
spec: {{proxy: {{workers: 1}}}}
---
apiVersion: heddle/v1
kind: Workload
metadata: {{name: orders-1}}
spec: {{service: orders, address: "127.0.0.1:{work.backend}"}}
---
apiVersion: heddle/v1
kind: Service
metadata: {{name: orders}}
{orders.replace("OUTBOUND", str(outbound))}""")
        _write_many(manifests, "shadow", list(_shadows(work.shadow_count, work.traffic, account="web")))
        arguments = ["run", "--manifests", str(manifests), "--state", str(folder / "state")]
        return outbound, Child(
            f"{self.name}-{name}", [*self.runner, self.program(), *arguments], PROXY_CORE, folder, self.environment)

    def _start_two(self, work: Work, orders: str) -> tuple[int, int, list[Child]]:
        """Two nodes: web calls from alpha, orders runs on beta. `orders` goes on from the service's metadata."""
        folder = work.subfolder(f"{self.name}-mesh/manifests")
        outbound, alpha, beta = work.ports.take(), work.ports.take(), work.ports.take()
        certificates = work.certificates
        _write(folder / "mesh.yaml", f"""apiVersion: heddle/v1
kind: Mesh
metadata: {{name: mesh}}
spec:
  trustDomain: mesh.local
  identity: {{authority: {{type: Files, certificateFile: "{certificates.root}", keyFile: "{certificates.root_key}"}}}}
  proxy: {{workers: 1}}
---
apiVersion: heddle/v1
kind: Node
metadata: {{name: alpha}}
spec: {{address: "127.0.0.1:{alpha}"}}
---
apiVersion: heddle/v1
kind: Node
metadata: {{name: beta}}
spec: {{address: "127.0.0.1:{beta}"}}
---
apiVersion: heddle/v1
kind: Service
metadata: {{name: web}}
spec: {{protocol: HTTP}}
---
apiVersion: heddle/v1
kind: Workload
metadata: {{name: orders-1}}
spec: {{service: orders, node: beta, address: "127.0.0.1:{work.backend}"}}
---
apiVersion: heddle/v1
kind: Service
metadata: {{name: orders}}
{orders.replace("OUTBOUND", str(outbound))}""")
        children = []
        for node in ("beta", "alpha"):
            state = work.folder / f"{self.name}-mesh" / node
            arguments = ["run", "--manifests", str(folder), "--state", str(state), "--node", node]
            children.append(Child(
                f"{self.name}-{node}", [*self.runner, self.program(), *arguments], PROXY_CORE, work.subfolder(f"{self.name}-mesh"),
                self.environment))
        return outbound, beta, children

    def tcp_hop(self, work):
        outbound, child = self._start_one(work, "tcp", """spec: {protocol: TCP}
---
apiVersion: heddle/v1
kind: Workload
metadata: {name: web-1}
spec: {serviceAccount: web, outbound: {tcp: [{service: orders, listen: "127.0.0.1:OUTBOUND"}]}}
---
""" + _tcp_policy())
        return Deployment(self.name, outbound, [child])

    def wait_ready(self, child: Child) -> None:
        wait_until(f"{self.name}'s readyz", [child], self.is_ready, seconds=60)


def _write(path: Path, text: str) -> None:
    replace(path, text)


def _write_many(folder: Path, name: str, documents: list[str]) -> None:
    for start in range(0, len(documents), RESOURCES_PER_FILE):
        text = "\n---\n".join(documents[start:start + RESOURCES_PER_FILE])
        _write(folder / f"{name}-{start // RESOURCES_PER_FILE:04}.yaml", text + "\n")


def _protocol(work: Work) -> str:
    return "GRPC" if work.traffic.is_grpc else "HTTP"


def _node(work: Work) -> str:
    return "" if work.node is None else f"""apiVersion: heddle/v1
kind: Node
metadata: {{name: {NODE}}}
spec: {{address: "127.0.0.1:{work.ports.take()}"{work.node}}}
---
"""


def _policy(name: str, service: str, paths: list[str], account: str, method: str = "GET") -> str:
    return f"""apiVersion: heddle/v1
kind: AuthorizationPolicy
metadata: {{name: {name}}}
spec:
  targetRefs: [{{kind: Service, name: {service}}}]
  action: ALLOW
  rules:
""" + "\n".join(
        f"""  - from: [{{source: {{serviceAccounts: [default/{account}]}}}}]
    to: [{{operation: {{methods: [{method}], paths: ["{path}"]}}}}]""" for path in paths)


def _tcp_policy() -> str:
    return """apiVersion: heddle/v1
kind: AuthorizationPolicy
metadata: {name: web-calls-orders}
spec:
  targetRefs: [{kind: Service, name: orders}]
  action: ALLOW
  rules: [{from: [{source: {serviceAccounts: [default/web]}}]}]
"""


def _grpc_route(name: str, service: str, prefix: str) -> str:
    return f"""apiVersion: heddle/v1
kind: GRPCRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{kind: Gateway, name: edge}}]
  rules:
  # bench.Other has a way, too: it is the rule that refuses it.
  - matches: [{{method: {{service: {prefix.strip("/")}}}}}, {{method: {{service: bench.Other}}}}]
    backendRefs: [{{name: {service}}}]"""


def _route(name: str, service: str, prefixes: list[str]) -> str:
    return f"""apiVersion: heddle/v1
kind: HTTPRoute
metadata: {{name: {name}}}
spec:
  parentRefs: [{{kind: Gateway, name: edge}}]
  rules:
""" + "\n".join(
        f"""  - matches: [{{path: {{type: PathPrefix, value: {prefix}}}}}]
    backendRefs: [{{name: {service}}}]""" for prefix in prefixes)


def _rules(count: int):
    """`count` routes and as many rules, ten of each to a resource."""
    for start in range(0, count, 10):
        numbers = range(start, min(start + 10, count))
        yield _route(f"rules-{start}", "orders", [f"/r{number}" for number in numbers])
        yield _policy(f"rules-{start}", "orders", [f"/r{number}/{{**}}" for number in numbers], account="edge")


def _shadows(count: int, traffic: Traffic, account: str):
    """`count` policies that decide nothing. Three match what is called: one that would deny it, so that it is told of; one that changes
    nothing; one of AUDIT."""
    matching = [("DENY", "mode: Shadow"), ("ALLOW", "mode: Shadow"), ("AUDIT", "")][:count]
    for number in range(count):
        action, mode = matching[number] if number < len(matching) else ("DENY", "mode: Shadow")
        path = traffic.prefix + "{**}" if number < len(matching) else f"/shadow{number}/{{**}}"
        yield f"""apiVersion: heddle/v1
kind: AuthorizationPolicy
metadata: {{name: shadow-{number}}}
spec:
  targetRefs: [{{kind: Service, name: orders}}]
  action: {action}
  {mode}
  rules: [{{from: [{{source: {{serviceAccounts: [default/{account}]}}}}], to: [{{operation: {{paths: ["{path}"]}}}}]}}]"""


def _fillers(count: int, backend: int):
    """About `count` resources that are never called: services outside the mesh, each with a route and a rule."""
    for number in range(count // 3):
        yield f"""apiVersion: heddle/v1
kind: Service
metadata: {{name: filler-{number}}}
spec: {{protocol: HTTP, endpoints: [{{address: "127.0.0.1:{backend}"}}]}}"""
        yield _route(f"filler-{number}", f"filler-{number}", [f"/filler{number}"])
        yield _policy(f"filler-{number}", f"filler-{number}", [f"/filler{number}/{{**}}"], account="edge")
