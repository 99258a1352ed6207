"""Resources as values. A manifest is YAML, of which JSON is a part."""

from __future__ import annotations

import json

NAMESPACE = "shop"
TRUST_DOMAIN = "interop.example"


def resource(kind: str, name: str, spec: dict, namespace: str = NAMESPACE) -> dict:
    return {
        "apiVersion": "heddle/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def text(resources: list[dict]) -> str:
    return "\n---\n".join(json.dumps(resource, indent=1) for resource in resources) + "\n"


def service(name: str, protocol: str, port: int | None, node: str = "b", **spec) -> list[dict]:
    """A service and, where it has a port, its workload on that node."""
    resources = [resource("Service", name, {"protocol": protocol, **spec})]
    if port is not None:
        resources.append(workload(f"{name}-{node}", name, port, node))
    return resources


def workload(name: str, service: str, port: int, node: str) -> dict:
    return resource("Workload", name, {"service": service, "node": node, "address": f"127.0.0.1:{port}"})


def caller(name: str, port: int, tcp: dict[str, int] | None = None, node: str = "a") -> dict:
    """A workload that only calls others, each TCP service by a port of its own."""
    outbound: dict = {"listen": f"127.0.0.1:{port}"}
    if tcp:
        outbound["tcp"] = [
            {"service": service, "listen": f"127.0.0.1:{listen}"} for service, listen in tcp.items()]
    return resource("Workload", name, {"node": node, "serviceAccount": name, "outbound": outbound})


def allow(name: str, target: str, accounts: list[str], operations: list[dict] | None = None) -> dict:
    return _policy(name, target, "ALLOW", accounts, operations)


def deny(name: str, target: str, accounts: list[str], operations: list[dict] | None = None) -> dict:
    return _policy(name, target, "DENY", accounts, operations)


def _policy(name: str, target: str, action: str, accounts: list[str], operations: list[dict] | None) -> dict:
    rule: dict = {"from": [{"source": {"serviceAccounts": [f"{NAMESPACE}/{account}" for account in accounts]}}]}
    if operations:
        rule["to"] = [{"operation": operation} for operation in operations]
    return resource("AuthorizationPolicy", name, {
        "targetRefs": [{"kind": "Service", "name": target}], "action": action, "rules": [rule]})
