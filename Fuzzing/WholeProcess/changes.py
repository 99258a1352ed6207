"""Manifests that change while calls are under way: by rename, in place, and by a folder that is put in another's place."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from pathlib import Path

from findings import Finding
from mesh import Mesh, resource, text
from plays import host

#: Until a change is served, on a machine that is busy with other things.
PATIENCE = 60.0


class Changes:
    """`manifests` is a link to the folder that counts. What witnesses need is in every generation."""

    def __init__(self, mesh: Mesh, seed: int):
        self._mesh, self._chance = mesh, random.Random(f"{seed}/changes")
        self._folders, self._generation, self.count = 0, 0, 0
        self._files: dict[str, bytes] = {}
        self._set_base()
        self._swap()

    async def run(self, until: asyncio.Event, gate) -> None:
        """`gate` is asked, after a generation serves that opens or closes it, whether that is so."""
        while not until.is_set():
            self.count += 1
            if self._chance.random() < 0.12:
                await self.check_gate(gate, self._chance.random() < 0.5)
            else:
                await self._change()
            await asyncio.sleep(self._chance.choice([0.05, 0.2, 0.4, 0.8]))

    async def restore(self) -> None:
        """What was served at first, and until it is."""
        self._set_base()
        self._swap()
        await self._until_served()

    async def check_gate(self, gate, is_open: bool) -> None:
        self._generation += 1
        self._files["marker.yaml"] = text(self._mesh.marker(self._generation))
        self._files["gate.yaml"] = text([] if is_open else [self._closed_gate()]) or b"# open\n"
        self._swap()
        await self._until_served()
        await gate(is_open)

    @staticmethod
    def _closed_gate() -> dict:
        return resource("AuthorizationPolicy", "gate", {
            "action": "DENY", "targetRefs": [{"kind": "Service", "name": "gate"}], "rules": [{}]})

    def _set_base(self) -> None:
        self._generation += 1
        self._files = {
            "mesh.yaml": text([self._mesh.mesh()]), "fixed.yaml": text(self._mesh.fixed()),
            "marker.yaml": text(self._mesh.marker(self._generation)), "gate.yaml": b"# open\n",
            "shifting.yaml": self._shifting(), "extra.yaml": b"# none\n"}

    async def _change(self) -> None:
        name = self._chance.choices(["shifting.yaml", "extra.yaml", "mesh.yaml", "gate.yaml"], [6, 2, 1, 2])[0]
        if name == "shifting.yaml":
            self._files[name] = self._shifting()
        elif name == "extra.yaml":
            protocol = self._chance.choice(["", "HTTP", "TCP"])
            self._files[name] = text(self._mesh.extra(protocol)) if protocol else b"# none\n"
        elif name == "gate.yaml":
            self._files[name] = text([self._closed_gate()]) if self._chance.random() < 0.5 else b"# open\n"
        else:
            self._files[name] = text([self._mesh.mesh({"http2": {
                "concurrentStreams": self._chance.choice([20, 50, 100]), "streamWindow": self._chance.choice([65_535, 262_144]),
                "connectionWindow": self._chance.choice([65_535, 1_048_576])}})])
        kind = self._chance.random()
        if kind < 0.35:
            self._swap()
        elif kind < 0.65:
            staged = self._mesh.folder / "staged"
            staged.write_bytes(self._files[name])
            os.rename(staged, self._mesh.folder / "manifests" / name)
        else:
            whole = self._files[name]
            with open(self._mesh.folder / "manifests" / name, "wb", buffering=0) as file:
                if kind > 0.9:  # a mistake, mended a moment later
                    file.write(b"kind: [\n")
                    await asyncio.sleep(0.1)
                    file.seek(0)
                    file.truncate()
                file.write(whole[:len(whole) // 2])
                await asyncio.sleep(self._chance.choice([0, 0.001, 0.02]))
                file.write(whole[len(whole) // 2:])

    def _swap(self) -> None:
        self._folders += 1
        folder = self._mesh.folder / "sets" / str(self._folders)
        folder.mkdir(parents=True)
        for name, data in self._files.items():
            (folder / name).write_bytes(data)
        link = self._mesh.folder / "link"
        os.symlink(folder, link)
        os.rename(link, self._mesh.folder / "manifests")
        shutil.rmtree(self._mesh.folder / "sets" / str(self._folders - 3), ignore_errors=True)

    def _shifting(self) -> bytes:
        """Routes of everything that routes can do, from the Service's callers and from the Gateway's."""
        chance = self._chance

        def backends() -> list[dict]:
            names = chance.sample(["shifting", "near1", "near2", "far1", "far2", "bad1", "bad2", "farbad1", "wild"], chance.choice([1, 1, 2, 3]))
            return [{"name": name, "weight": chance.choice([0, 1, 1, 5])} for name in names]

        def filters() -> list[dict]:
            return chance.sample([
                {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x-a", "value": "set"}], "remove": ["x-long"]}},
                {"type": "ResponseHeaderModifier", "responseHeaderModifier": {"add": [{"name": "x-b", "value": "added"}]}},
                {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/z"}}},
                {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": chance.choice(["near1", "bad1", "far2", "bad2"])}}},
            ], chance.choice([0, 0, 1, 2]))

        rules = []
        for path in chance.sample(["/", "/a", "/a/b", "/admin"], chance.choice([1, 2, 3])):
            rule: dict = {"matches": [{"path": {"type": "PathPrefix", "value": path}}], "backendRefs": backends(), "filters": filters()}
            if chance.random() < 0.4:
                rule["timeouts"] = {"request": chance.choice(["20ms", "300ms", "2s"])}
            rules.append(rule)
        return text([
            resource("HTTPRoute", "shifting", {"parentRefs": [{"kind": "Service", "name": "shifting"}], "rules": rules}),
            resource("HTTPRoute", "shifting-edge", {
                "parentRefs": [{"name": "edge", "sectionName": section} for section in ("http", "https")],
                "hostnames": [host("shifting")], "rules": rules})])

    async def _until_served(self) -> None:
        wanted = f"g{self._generation}.test".encode()
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while loop.time() < end:
            if wanted in await self._served():
                return
            await asyncio.sleep(0.03)
        raise Finding("change-not-served", f"generation {wanted.decode()} does not serve after {PATIENCE:.0f} s")

    async def _served(self) -> bytes:
        try:
            reader, writer = await asyncio.open_connection(*self._mesh.addresses["marker"])
        except OSError:
            return b""
        try:
            writer.write(b"GET / HTTP/1.1\r\nHost: marker\r\nConnection: close\r\n\r\n")
            return await asyncio.wait_for(reader.read(4096), 10)
        except (OSError, asyncio.TimeoutError):
            return b""
        finally:
            writer.close()
