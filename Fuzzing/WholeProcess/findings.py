"""What the fuzzer found, and what was sent when it did."""

from __future__ import annotations

import asyncio
import collections
import hashlib
import json
from pathlib import Path


class Finding(Exception):
    """Something that must never happen. `kind` names the file that it is kept in; `play` is the one that showed it."""

    def __init__(self, kind: str, text: str, play: dict | None = None):
        super().__init__(f"{kind}: {text}")
        self.kind, self.play = kind, play


class Findings:
    """The first one ends the run: what comes after it may follow from it."""

    #: Plays that are kept to be replayed, the newest ones.
    KEPT = 400

    def __init__(self) -> None:
        self.first: Finding | None = None
        self.happened = asyncio.Event()
        self._plays: collections.deque[dict] = collections.deque(maxlen=self.KEPT)

    def report(self, finding: Finding) -> None:
        if self.first is None:
            self.first = finding
        self.happened.set()

    def began(self, play: dict) -> None:
        self._plays.append(play)

    def keep(self, folder: Path, seed: int) -> Path:
        """Writes the last plays, to be replayed: a line of JSON each, the one that showed it last."""
        folder.mkdir(parents=True, exist_ok=True)
        shown = [self.first.play] if self.first.play else []
        text = "".join(json.dumps(play) + "\n" for play in [play for play in self._plays if play not in shown] + shown)
        digest = hashlib.sha256(text.encode()).hexdigest()[:8]
        path = folder / f"{self.first.kind}-seed{seed}-{digest}.jsonl"
        path.write_text(text)
        return path
