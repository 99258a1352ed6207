#!/usr/bin/env python3
"""Turns Gateway API objects into Heddle's manifests and serves them: the adapter of a conformance runner that hands over
one group of cases as JSON on standard input and wants to know where the listeners are.

CONFORMANCE_FOLDER is where the running heddle lives, HEDDLE its binary."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import heddle_under_test
from heddle_under_test import Heddle


class Unsupported(Exception):
    """Heddle has no way, or no wish, to express the group."""


def translate(job: dict, folder: Path) -> tuple[list[dict], dict[str, str]]:
    """The manifests, and for each `gateway:port` the address it is served at. `folder` is where the running heddle lives."""
    documents = [heddle_under_test.open_mesh()]
    for full_name, backend in job["backends"].items():
        namespace, name = full_name.split("/")
        speaks = "GRPC" if any(route["kind"] == "GRPCRoute" for route in job["routes"]) else "HTTP"
        documents.append(heddle_under_test.service(name, namespace, backend["port"], protocol=speaks))
    for route in job["routes"]:
        _check(route, job)
        documents.append(heddle_under_test.published_route(route))
    listeners: dict[str, str] = {}
    gateways = [gateway for gateway in job["gateways"] if _is_used(gateway, job["routes"])]
    for number, gateway in enumerate(gateways):
        # Each gateway has a loopback address of its own, so that all of them can have port 80, where redirects that
        # name no port are told apart from those that do.
        address = f"127.0.1.{number + 1}"
        translated = []
        for listener in gateway["spec"]["listeners"]:
            if listener["protocol"] != "HTTP":
                raise Unsupported("TLS listeners are tried by further_groups.py")
            key = f"{gateway['name']}:{listener['port']}"
            if key not in listeners:
                port = _port(folder, address, listener["port"])
                listeners[key] = f"{address}:{port}"
            port = int(listeners[key].rsplit(":", 1)[1])
            entry = {"name": listener["name"], "address": address, "port": port}
            if "hostname" in listener:
                entry["hostname"] = listener["hostname"]
            translated.append(entry)
        documents.append(heddle_under_test.gateway(gateway["name"], gateway["namespace"], translated))
        _move_parent_ports(gateway, listeners, documents)
    return documents, listeners


def _port(folder: Path, address: str, wanted: int) -> int:
    """The same gateway keeps its port from group to group: a running heddle may still hold it."""
    file = folder / f"port-{address}-{wanted}"
    if not file.exists():
        file.write_text(str(heddle_under_test.free_port(address, wanted)))
    return int(file.read_text())


def _move_parent_ports(gateway: dict, listeners: dict[str, str], documents: list[dict]) -> None:
    """parentRefs that name a listener's port follow where it had to move to."""
    for document in documents:
        if document["kind"] not in ("HTTPRoute", "GRPCRoute"):
            continue
        for parent in document["spec"].get("parentRefs", []):
            key = f"{gateway['name']}:{parent.get('port')}"
            if parent["name"] == gateway["name"] and key in listeners:
                parent["port"] = int(listeners[key].rsplit(":", 1)[1])


def _is_used(gateway: dict, routes: list[dict]) -> bool:
    return any(
        parent["name"] == gateway["name"] for route in routes for parent in route["spec"].get("parentRefs", []))


def _check(route: dict, job: dict) -> None:
    for rule in route["spec"].get("rules", []):
        if "retry" in rule:
            raise Unsupported("retries come with TrafficPolicy; HTTPRoute's retry is refused at load")
        filters = [*rule.get("filters", []), *(f for b in rule.get("backendRefs", []) for f in b.get("filters", []))]
        mirrors = [f["requestMirror"]["backendRef"] for f in filters if f["type"] == "RequestMirror"]
        for backend in [*rule.get("backendRefs", []), *mirrors]:
            namespace = backend.get("namespace", route["namespace"])
            if f"{namespace}/{backend['name']}" not in job["backends"]:
                raise Unsupported("a backend that does not exist is an error at load, and never a 500")
            if namespace != route["namespace"] and not _is_granted(route["namespace"], namespace, backend, job):
                raise Unsupported("there is no ReferenceGrant: one owner writes the folder, and a policy on the callee decides")


def _is_granted(source: str, target: str, backend: dict, job: dict) -> bool:
    for item in job["other_objects"]:
        if item["kind"] != "ReferenceGrant" or item["namespace"] != target:
            continue
        gives = any(
            origin.get("kind") in ("HTTPRoute", "GRPCRoute") and origin.get("group") == "gateway.networking.k8s.io"
            and origin.get("namespace") == source for origin in item["spec"]["from"])
        takes = any(
            aim.get("kind") == "Service" and aim.get("group", "") == "" and aim.get("name") in (None, backend["name"])
            for aim in item["spec"]["to"])
        if gives and takes:
            return True
    return False


def main() -> None:
    job = json.load(sys.stdin)
    folder = Path(os.environ["CONFORMANCE_FOLDER"])
    try:
        documents, listeners = translate(job, folder)
    except Unsupported as reason:
        print(json.dumps({"unsupported": str(reason)}))
        return
    heddle = Heddle(folder, Path(os.environ["HEDDLE"]))
    heddle.serve(documents)
    print(json.dumps({"listeners": listeners}))


if __name__ == "__main__":
    main()
