"""What a process holds and does when nobody calls it."""

from __future__ import annotations

import asyncio

from findings import Finding
from mesh import Mesh

#: Of one core, while nothing is to be done. Timers and telemetry take a hundredth of it.
SPINNING_SHARE = 0.4
#: Above what was held after the first round. Allocators keep pages, and a sanitizer what was freed.
GROWTH_MEBIBYTES = 160


class Quiet:
    def __init__(self, mesh: Mesh):
        self._mesh = mesh
        self._base: dict[str, int] = {}
        self._first: dict[str, int] = {}

    async def begin(self) -> None:
        """Learns how many descriptors a node holds that has served, and serves nobody."""
        before: dict[str, int] = {}
        for _ in range(30):
            self._base = {node.name: node.descriptors() for node in self._mesh.nodes}
            if self._base == before:
                return
            before = self._base
            await asyncio.sleep(2)

    async def does_not_spin(self, when: str) -> None:
        """Looked at several times: what was asked for may still be under way the first time."""
        for _ in range(8):
            shares = await self._shares()
            if max(shares.values()) < SPINNING_SHARE:
                return
        raise Finding("spinning", f"{when}, nothing to do, and of a core each takes {shares}")

    async def has_given_back(self) -> None:
        """Every connection's descriptor, and memory."""
        for _ in range(80):
            held = {node.name: node.descriptors() for node in self._mesh.nodes}
            if all(held[name] <= self._base[name] for name in held):
                break
            await asyncio.sleep(0.5)
        else:
            raise Finding("descriptors-kept", f"{held} instead of {self._base}")
        await self.does_not_spin("with no connection left")
        resident = {node.name: node.resident_mebibytes() for node in self._mesh.nodes}
        self._first = self._first or resident
        print(f"after a round: {resident} MiB, {held} descriptors", flush=True)
        for name, size in resident.items():
            if size > self._first[name] + GROWTH_MEBIBYTES:
                raise Finding("memory-kept", f"{name} has {size} MiB, after the first round {self._first[name]}")

    async def _shares(self) -> dict[str, float]:
        seconds = 1.0
        before = {node.name: node.processor_seconds() for node in self._mesh.nodes}
        await asyncio.sleep(seconds)
        return {node.name: round((node.processor_seconds() - before[node.name]) / seconds, 2) for node in self._mesh.nodes}
