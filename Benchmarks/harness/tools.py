"""The programs in C of Benchmarks/GRPCTools and CallerTools: built when first needed, and run on the load's core."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from processes import LOAD_CORE, BenchmarkError

BENCHMARKS = Path(__file__).resolve().parent.parent
#: Where each is, and what it is linked with.
PROGRAMS = {
    "echo_server": ("GRPCTools", ["-lnghttp2"]), "grpc_load": ("GRPCTools", ["-lnghttp2"]), "callers": ("CallerTools", []),
    "watchers": ("CallerTools", []),
}
_folder: tempfile.TemporaryDirectory | None = None


def tool(name: str) -> str:
    """The path of a built tool."""
    global _folder
    if _folder is None:
        _folder = tempfile.TemporaryDirectory(prefix="heddle-bench-tools-")
        Path(_folder.name).chmod(0o711)  # one of them goes on as another user
    program = Path(_folder.name) / name
    if not program.exists():
        folder, libraries = PROGRAMS[name]
        compiler = shutil.which("cc") or shutil.which("clang")
        if not compiler:
            raise BenchmarkError("this arm needs a C compiler")
        built = subprocess.run(
            [compiler, "-O2", "-Wall", "-Werror", "-o", str(program), str(BENCHMARKS / folder / f"{name}.c"), *libraries],
            capture_output=True, text=True)
        if built.returncode:
            raise BenchmarkError(f"{name} was not built (GRPCTools need libnghttp2-dev):\n{built.stderr}")
    return str(program)


def grpc_load(*arguments: object) -> list[str]:
    return ["taskset", "-c", str(LOAD_CORE), tool("grpc_load"), *map(str, arguments)]


def check_grpc(port: int, path: str) -> tuple[str, str, int]:
    """One call's `:status`, its `grpc-status` ("-" where there is none) and the bytes that came back."""
    checked = subprocess.run(grpc_load("check", port, path), capture_output=True, text=True, timeout=30)
    if checked.returncode:
        return ("-", "-", 0)
    status, grpc_status, byte_count = checked.stdout.split()
    return status, grpc_status, int(byte_count)


def stream_messages(port: int, path: str, seconds: float, window: int, message_bytes: int) -> int:
    """Messages that came back within `seconds` on one bidirectional stream, `window` of them under way at once."""
    finished = subprocess.run(
        grpc_load("stream", port, path, seconds, window, message_bytes), capture_output=True, text=True,
        timeout=seconds + 60)
    if finished.returncode:
        raise BenchmarkError(f"the stream did not last: {finished.stderr.strip()}")
    return int(finished.stdout)
