"""curl, as people call it, and what came back."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory


@dataclass
class Answer:
    """`blocks` are the fields of the interim heads, the final one and then, where there are any, the trailers."""
    exit_code: int
    status: int
    version: str
    body: bytes
    blocks: list[list[tuple[str, str]]] = field(default_factory=list)
    interim: list[int] = field(default_factory=list)
    errors: str = ""

    @property
    def fields(self) -> list[tuple[str, str]]:
        return self.blocks[len(self.interim)] if len(self.blocks) > len(self.interim) else []

    @property
    def trailers(self) -> dict[str, str]:
        return dict(self.blocks[len(self.interim) + 1]) if len(self.blocks) > len(self.interim) + 1 else {}

    def field(self, name: str) -> str | None:
        return dict(self.fields).get(name)


def curl(url: str, *options: str, body: bytes | None = None, seconds: float = 30) -> Answer:
    with TemporaryDirectory() as name:
        folder = Path(name)
        arguments = [
            "curl", "--silent", "--show-error", "--max-time", str(seconds), "--dump-header", str(folder / "head"),
            "--output", str(folder / "body"), "--write-out", "%{http_code} %{http_version}", *options]
        if body is not None:
            (folder / "request").write_bytes(body)
            arguments += ["--data-binary", f"@{folder / 'request'}"]
        done = subprocess.run([*arguments, url], capture_output=True, timeout=seconds + 5)
        status, version = done.stdout.decode().split()
        read = {name: (folder / name).read_bytes() if (folder / name).exists() else b"" for name in ("head", "body")}
    answer = Answer(done.returncode, int(status), version, read["body"], errors=done.stderr.decode())
    for block in read["head"].decode("latin-1").split("\r\n\r\n"):
        lines = [line for line in block.split("\r\n") if line]
        if lines and lines[0].startswith("HTTP/"):
            code = int(lines.pop(0).split()[1])
            if 100 <= code < 200 and code != 101:
                answer.interim.append(code)
        elif not lines:
            continue
        answer.blocks.append(
            [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines)])
    return answer
