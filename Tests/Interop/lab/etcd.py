"""A real etcd on a host, of one member or several, told what to do by its own JSON gateway."""

from __future__ import annotations

import base64
import json
import shutil
import signal
import urllib.error
import urllib.request
from pathlib import Path

from .namespaces import Host
from .processes import Process

CLIENT_PORT, PEER_PORT = 23_790, 23_800


class Etcd:
    """One member: the only one, or the one of this number among `count` on the same host."""

    def __init__(self, program: str, host: Host, folder: Path, number: int = 0, count: int = 1):
        self.endpoint = f"http://{host.address}:{CLIENT_PORT + number}"
        self._program, self._host, self._number, self._count = program, host, number, count
        self._folder = folder / f"member-{number}"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._process: Process | None = None
        #: As whom it is asked, once it asks who is there.
        self.user: tuple[str, str] | None = None

    def start(self, is_awaited: bool = True) -> None:
        peers = [f"http://127.0.0.1:{PEER_PORT + number}" for number in range(self._count)]
        own = peers[self._number]
        cluster = ",".join(f"lab-{number}={url}" for number, url in enumerate(peers))
        self._process = Process(
            self._host, [
                self._program, "--name", f"lab-{self._number}", "--data-dir", str(self._folder / "data"), "--listen-client-urls",
                self.endpoint, "--advertise-client-urls", self.endpoint, "--listen-peer-urls", own,
                "--initial-advertise-peer-urls", own, "--initial-cluster", cluster, "--log-level", "error",
                "--unsafe-no-fsync"],
            self._folder / "etcd.log")
        if is_awaited:
            self.wait_until_there()

    def wait_until_there(self) -> None:
        assert self._process is not None
        self._process.wait_for("etcd answered", self._is_there, 30)

    def pause(self, is_paused: bool = True) -> None:
        """It is there, and says nothing."""
        assert self._process is not None
        self._process.signal(signal.SIGSTOP if is_paused else signal.SIGCONT)

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

    def ask_who_is_there(self, root: str, users: dict[str, tuple[str, str]]) -> None:
        """From now on root has this password, and each of the others its own, and may do all below a prefix."""
        for name in ["root", *users]:
            password, prefix = users.get(name, (root, ""))
            self._ask("/v3/auth/user/add", {"name": name, "password": password})
            self._ask("/v3/auth/role/add", {"name": name})
            if prefix:
                self.grant(name, prefix)
            self._ask("/v3/auth/user/grant", {"user": name, "role": name})
        self._ask("/v3/auth/enable", {})
        self.user = ("root", root)

    def grant(self, name: str, prefix: str) -> None:
        self._ask("/v3/auth/role/grant", {"name": name, "perm": {
            "permType": "READWRITE", "key": _text(prefix), "range_end": _text(_end(prefix))}})

    def revoke(self, name: str, prefix: str) -> None:
        self._ask("/v3/auth/role/revoke", {"role": name, "key": _text(prefix), "range_end": _text(_end(prefix))})

    def set_password(self, name: str, password: str) -> None:
        self._ask("/v3/auth/user/changepw", {"name": name, "password": password})

    def _is_there(self) -> bool:
        try:
            self._ask("/v3/kv/range", {"key": _text("/"), "limit": "1"})
            return True
        except OSError:
            return False

    def _ask(self, path: str, message: dict) -> dict:
        headers = {}
        if self.user is not None and path != "/v3/auth/authenticate":
            token = self._ask("/v3/auth/authenticate", {"name": self.user[0], "password": self.user[1]})["token"]
            headers["Authorization"] = token
        request = urllib.request.Request(self.endpoint + path, json.dumps(message).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise OSError(f"{path}: {error.code} {error.read().decode()}") from error


def _end(prefix: str) -> str:
    """The first key that does not begin with it."""
    return prefix[:-1] + chr(ord(prefix[-1]) + 1)


def _text(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
