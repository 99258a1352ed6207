"""A real etcd of one member on a host, told what to do by its own JSON gateway."""

from __future__ import annotations

import base64
import json
import shutil
import urllib.request
from pathlib import Path

from .namespaces import Host
from .processes import Process

CLIENT_PORT, PEER_PORT = 23_790, 23_800


class Etcd:
    def __init__(self, program: str, host: Host, folder: Path):
        self.endpoint = f"http://{host.address}:{CLIENT_PORT}"
        self._program, self._host, self._folder = program, host, folder
        self._process: Process | None = None

    def start(self) -> None:
        peers = f"http://127.0.0.1:{PEER_PORT}"
        self._process = Process(
            self._host, [
                self._program, "--name", "lab", "--data-dir", str(self._folder / "data"), "--listen-client-urls", self.endpoint,
                "--advertise-client-urls", self.endpoint, "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
                "--initial-cluster", f"lab={peers}", "--log-level", "error", "--unsafe-no-fsync"],
            self._folder / "etcd.log")
        self._process.wait_for("etcd answered", self._is_there, 30)

    def stop(self) -> None:
        if self._process is not None:
            self._process.end()

    def kill(self) -> None:
        """As a crash does it."""
        assert self._process is not None
        self._process.kill()

    def wipe(self) -> None:
        """A new etcd in its place, which has never heard of anything: its revisions begin anew."""
        self.kill()
        shutil.rmtree(self._folder / "data")
        self.start()

    def change(self, put: dict[str, str], delete: list[str] = ()) -> int:
        """All of it at once. Returns its revision."""
        steps = [{"requestPut": {"key": _text(key), "value": _text(value)}} for key, value in put.items()]
        steps += [{"requestDeleteRange": {"key": _text(key)}} for key in delete]
        return int(self._ask("/v3/kv/txn", {"success": steps})["header"]["revision"])

    def value(self, key: str) -> str:
        return base64.b64decode(self._ask("/v3/kv/range", {"key": _text(key)})["kvs"][0]["value"]).decode()

    def compact(self, revision: int) -> None:
        self._ask("/v3/kv/compaction", {"revision": str(revision), "physical": True})

    def _is_there(self) -> bool:
        try:
            self._ask("/v3/kv/range", {"key": _text("/"), "limit": "1"})
            return True
        except OSError:
            return False

    def _ask(self, path: str, message: dict) -> dict:
        request = urllib.request.Request(self.endpoint + path, json.dumps(message).encode())
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)


def _text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
