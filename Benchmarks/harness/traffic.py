"""What the load calls, and how one call is looked at closely: HTTP/1.1 or gRPC, to a workload that speaks the same."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import tools
from load import PATH, answers


@dataclass(frozen=True)
class Traffic:
    """The one rule of each arm allows `method` below `prefix` and nothing else."""

    method: str = "GET"
    prefix: str = "/bench/"
    is_grpc: bool = False

    def is_answered(self, port: int, context: ssl.SSLContext | None = None) -> bool:
        return answers(port, PATH, context=context, server_name="orders") == 200

    def is_refused(self, port: int, context: ssl.SSLContext | None = None) -> bool:
        return answers(port, PATH, "DELETE", context, "orders") == 403


@dataclass(frozen=True)
class GRPCTraffic(Traffic):
    method: str = "POST"
    prefix: str = "/bench.Echo/"
    is_grpc: bool = True

    def is_answered(self, port, context=None):
        return tools.check_grpc(port, f"{self.prefix}Call") == ("200", "0", 21)

    def is_refused(self, port, context=None):
        """A call outside the rule: `PERMISSION_DENIED`, or a bare 403, from which gRPC's clients conclude the same."""
        status, grpc_status, _ = tools.check_grpc(port, "/bench.Other/Call")
        return grpc_status == "7" or (status == "403" and grpc_status == "-")


HTTP = Traffic()
GRPC = GRPCTraffic()
