"""Two hosts, a and b, each a network namespace, joined by one cable (a veth pair)."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from pathlib import Path

_CLONE_NEWNET = 0x4000_0000
_FOLDER = Path("/run/netns")
_CABLE = "cable"  # the name of the cable's end in each host


class Host:
    def __init__(self, name: str, namespace: str, address: str):
        self.name, self.namespace, self.address = name, namespace, address

    def command(self, arguments: list[str]) -> list[str]:
        """What runs `arguments` in this host, under the same process id, and ends it when its parent thread ends."""
        return ["nsenter", f"--net={_FOLDER / self.namespace}", "setpriv", "--pdeathsig", "KILL", "--", *arguments]

    def enter(self) -> None:
        """Moves the calling thread, and all threads and processes it starts from now on, into this host."""
        libc = ctypes.CDLL(None, use_errno=True)
        descriptor = os.open(_FOLDER / self.namespace, os.O_RDONLY)
        try:
            if libc.setns(descriptor, _CLONE_NEWNET) != 0:
                raise OSError(ctypes.get_errno(), "setns")
        finally:
            os.close(descriptor)

    def lose(self, percent: int) -> None:
        """Drops that share of the packets that come in over the cable, at random, until `heal`."""
        self._rules(f'iifname "{_CABLE}" numgen random mod 100 < {percent} drop')

    def cut(self) -> None:
        """Nothing comes in over the cable any more, and nobody is told, until `heal`."""
        self._rules(f'iifname "{_CABLE}" drop')

    def heal(self) -> None:
        self._rules(None)

    def sockets(self) -> str:
        """What `ss` says of its TCP connections: queues, processes and timers."""
        return subprocess.run(self.command(["ss", "-tnpo"]), capture_output=True, text=True).stdout

    def _rules(self, rule: str | None) -> None:
        table = "table inet faults\ndelete table inet faults\n"  # the first line makes the second one always succeed
        if rule is not None:
            table += (
                "table inet faults {\nchain input {\ntype filter hook input priority 0; policy accept;\n"
                f"{rule}\n}}\n}}\n")
        subprocess.run(self.command(["nft", "-f", "-"]), input=table.encode(), check=True)


class TwoHosts:
    """`close` removes both, whatever became of them."""

    def __init__(self) -> None:
        _remove_abandoned()
        names = [f"heddle-{os.getpid()}-{name}" for name in "ab"]
        self.a, self.b = Host("a", names[0], "10.77.0.1"), Host("b", names[1], "10.77.0.2")
        try:
            for host in (self.a, self.b):
                _ip("netns", "add", host.namespace)
            _ip("link", "add", _CABLE, "netns", self.a.namespace, "type", "veth", "peer", "name", _CABLE,
                "netns", self.b.namespace)
            for host in (self.a, self.b):
                _ip("-n", host.namespace, "address", "add", f"{host.address}/24", "dev", _CABLE)
                for device in ("lo", _CABLE):
                    _ip("-n", host.namespace, "link", "set", device, "up")
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        for host in (self.a, self.b):
            subprocess.run(["ip", "netns", "delete", host.namespace], stderr=subprocess.DEVNULL)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _remove_abandoned() -> None:
    """A run that was killed could not remove its own."""
    for path in _FOLDER.glob("heddle-*"):
        found = re.fullmatch(r"heddle-(\d+)-[ab]", path.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            subprocess.run(["ip", "netns", "delete", path.name], stderr=subprocess.DEVNULL)
