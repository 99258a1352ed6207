"""Servers as Debian packages them."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from pathlib import Path

POSTGRESQL = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def start_postgresql(laboratory, port: int) -> None:
    """On host b, with data of its own; postgres may not be root."""
    account = pwd.getpwnam("postgres")
    # pytest's own folders are for root alone.
    data = Path("/var/tmp") / f"heddle-interop-postgresql-{os.getpid()}"
    data.mkdir(mode=0o700)
    laboratory.at_end(lambda: shutil.rmtree(data, ignore_errors=True))
    os.chown(data, account.pw_uid, account.pw_gid)
    as_account = [
        "setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups", "--reset-env", "--"]
    subprocess.run(
        [*as_account, str(POSTGRESQL[-1] / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", "--no-sync"],
        check=True, stdout=subprocess.DEVNULL, cwd="/")
    with open(data / "pg_hba.conf", "a") as rules:
        rules.write("host all all 0.0.0.0/0 trust\n")
    settings = {
        "listen_addresses": "0.0.0.0", "port": port, "unix_socket_directories": "", "fsync": "off", "jit": "off",
        "max_connections": 50}
    laboratory.start(laboratory.hosts.b, "postgresql", [
        *as_account, str(POSTGRESQL[-1] / "postgres"), "-D", str(data),
        *(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))], port)


def start_redis(laboratory, port: int) -> None:
    laboratory.start(laboratory.hosts.b, "redis", [
        "redis-server", "--port", str(port), "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "",
        "--appendonly", "no", "--dir", str(laboratory.folder)], port)
