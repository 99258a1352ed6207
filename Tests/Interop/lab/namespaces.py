"""Two hosts, a and b, each a network namespace, joined by one cable (a veth pair); and a third, c, where one is asked for."""

from __future__ import annotations

import ctypes
import os
import re
import subprocess
from pathlib import Path

_CLONE_NEWNET = 0x4000_0000
_FOLDER = Path("/run/netns")
_CABLE = "cable"  # the name of the cable's end in each host
_CABLE_TO_C = "cable-c"  # of its other end, in host a


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
        self._c: Host | None = None
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

    def third(self) -> Host:
        """Host c, on a cable of its own to host a, by which it reaches host b; with the others it ends."""
        if self._c is None:
            self._c = Host("c", f"heddle-{os.getpid()}-c", "10.78.0.3")
            namespace, gateway = self._c.namespace, "10.78.0.1"
            _ip("netns", "add", namespace)
            _ip("link", "add", _CABLE_TO_C, "netns", self.a.namespace, "type", "veth", "peer", "name", _CABLE, "netns", namespace)
            for owner, address, device in ((self.a.namespace, gateway, _CABLE_TO_C), (namespace, self._c.address, _CABLE)):
                _ip("-n", owner, "address", "add", f"{address}/24", "dev", device)
                _ip("-n", owner, "link", "set", device, "up")
            _ip("-n", namespace, "link", "set", "lo", "up")
            _ip("-n", namespace, "route", "add", "default", "via", gateway)
            _ip("-n", self.b.namespace, "route", "add", "10.78.0.0/24", "via", self.a.address)
            subprocess.run(self.a.command(["sysctl", "-q", "-w", "net.ipv4.ip_forward=1"]), check=True)
        return self._c

    def close(self) -> None:
        for host in (self.a, self.b, *([self._c] if self._c else [])):
            subprocess.run(["ip", "netns", "delete", host.namespace], stderr=subprocess.DEVNULL)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True)


def _remove_abandoned() -> None:
    """A run that was killed could not remove its own."""
    for path in _FOLDER.glob("heddle-*"):
        found = re.fullmatch(r"heddle-(\d+)-[abc]", path.name)
        if found and not Path(f"/proc/{found[1]}").exists():
            subprocess.run(["ip", "netns", "delete", path.name], stderr=subprocess.DEVNULL)
