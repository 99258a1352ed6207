"""One running heddle that the conformance suites share: a folder of manifests in, listeners out."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Callable

#: Listeners stay below the ephemeral range, which begins at 32768.
HIGHEST_PORT = 32767


class Heddle:
    """The folder outlives this object: a process that finds a heddle running in it uses that one, so that each group of
    cases is also a change that a running mesh takes up."""

    def __init__(self, folder: Path, binary: Path):
        self.folder, self._binary = folder, binary
        self._manifests = folder / "manifests"
        self._manifests.mkdir(parents=True, exist_ok=True)

    def serve(self, documents: list[dict]) -> None:
        """Replaces everything that is served, at once, and returns when it is. Raises with heddle's own words when it
        refuses the documents or does not take them up within 15 s."""
        marker, port = secrets.token_hex(8), self._marker_port()
        text = "\n---\n".join(json.dumps(document, indent=1) for document in [*documents, *_marker(marker, port)])
        staged = self.folder / "staged.yaml"
        staged.write_text(text)
        log = self.folder / "heddle.log"
        said_before = log.stat().st_size if log.exists() else 0
        os.rename(staged, self._manifests / "conformance.yaml")
        if not self._is_running():
            self._start(log)
        is_marked = lambda: self._is_marked(port, marker)
        if not _wait_until(lambda: is_marked() or not self._is_running(), 15) or not is_marked():
            with open(log, "rb") as words:
                words.seek(said_before)
                raise RuntimeError("heddle does not serve this: " + words.read().decode(errors="replace")[-1500:])

    def stop(self) -> None:
        pid = self._pid()
        if pid is None:
            return
        try:
            os.kill(pid, signal.SIGTERM)
            if not _wait_until(lambda: not self._is_running(), 35):
                os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        (self.folder / "pid").unlink(missing_ok=True)

    def _start(self, log: Path) -> None:
        with open(log, "ab") as output:
            process = subprocess.Popen(
                [str(self._binary), "run", "--manifests", str(self._manifests), "--state", str(self.folder / "state")],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True)
        (self.folder / "pid").write_text(str(process.pid))

    def _pid(self) -> int | None:
        try:
            return int((self.folder / "pid").read_text())
        except (FileNotFoundError, ValueError):
            return None

    def _is_running(self) -> bool:
        pid = self._pid()
        if pid is None:
            return False
        try:
            os.waitpid(pid, os.WNOHANG)  # an ended child of ours would otherwise look alive
        except ChildProcessError:
            pass
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return False
        return state != "Z"

    def _marker_port(self) -> int:
        file = self.folder / "marker-port"
        if not file.exists():
            file.write_text(str(free_port("127.0.0.1")))
        return int(file.read_text())

    @staticmethod
    def _is_marked(port: int, marker: str) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
            connection.request("GET", "/")
            location = connection.getresponse().getheader("Location") or ""
            connection.close()
        except OSError:
            return False
        return f"{marker}.example" in location


def _wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _marker(marker: str, port: int) -> list[dict]:
    """A gateway that redirects to a name of this generation's own: its answer says what is served, with no word about
    how Heddle reports that itself."""
    return [
        gateway("marker", "conformance-marker", [{"name": "http", "address": "127.0.0.1", "port": port}]),
        resource("HTTPRoute", "marker", "conformance-marker", {
            "parentRefs": [{"name": "marker"}],
            "rules": [{"filters": [{
                "type": "RequestRedirect", "requestRedirect": {"hostname": f"{marker}.example"},
            }]}],
        }),
    ]


def resource(kind: str, name: str, namespace: str, spec: dict) -> dict:
    return {
        "apiVersion": "heddle/v1", "kind": kind, "metadata": {"name": name, "namespace": namespace}, "spec": spec,
    }


def published_route(route: dict) -> dict:
    """A Service of Kubernetes has ports, which its routes name; a Service here has one protocol and none."""
    parents = [
        {key: value for key, value in parent.items() if key != "port" or parent.get("kind") != "Service"}
        for parent in route["spec"].get("parentRefs", [])]
    spec = {**route["spec"], "parentRefs": parents} if parents else route["spec"]
    return resource(route["kind"], route["name"], route["namespace"], spec)


def gateway(name: str, namespace: str, listeners: list[dict]) -> dict:
    return resource("Gateway", name, namespace, {"listeners": [{"protocol": "HTTP", **each} for each in listeners]})


def open_mesh() -> dict:
    """The suites are about HTTP and routes, not about rules: everything is allowed."""
    return resource("Mesh", "mesh", "default", {
        "authorization": {"defaultAction": "Allow"}, "proxy": {"workers": 1, "accessLog": "None"},
    })


def service(name: str, namespace: str, port: int, **more) -> dict:
    return resource("Service", name, namespace, {
        "protocol": "HTTP", "endpoints": [{"address": f"127.0.0.1:{port}"}], **more,
    })


_given: set[int] = set()


def free_port(address: str, wanted: int | None = None) -> int:
    """`wanted` where it can be had, which for 80 and 443 takes root; else any free port below 32768."""
    for port in ([wanted] if wanted else []) + list(range(24000 + os.getpid() % 4000, HIGHEST_PORT)):
        if port in _given and port != wanted:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((address, port))
            except OSError:
                continue
        _given.add(port)
        return port
    raise RuntimeError(f"no free port on {address}")
