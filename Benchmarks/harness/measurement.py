"""What an arm hands back: figures per proxy, and the ratios of Heddle's to each peer's."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Column:
    """One kind of figure. `key` names it in JSON and carries the unit."""

    key: str
    title: str
    digits: int = 1
    #: Show Heddle's figure divided by the peer's.
    has_ratio: bool = False


@dataclass
class Arm:
    name: str
    title: str
    columns: list[Column]
    #: Figures by proxy, each a list with one entry a round.
    rounds: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def record(self, proxy: str, **figures: float) -> None:
        self.rounds.setdefault(proxy, []).append(figures)

    def median(self, proxy: str, key: str) -> float | None:
        figures = [round_[key] for round_ in self.rounds.get(proxy, []) if key in round_]
        return statistics.median(figures) if figures else None

    def ratio(self, proxy: str, peer: str, key: str) -> float | None:
        """Median over the rounds of one round's ratio: the machine drifts between rounds, hardly within one."""
        ratios = [
            mine[key] / theirs[key] for mine, theirs in zip(self.rounds.get(proxy, []), self.rounds.get(peer, []))
            if key in mine and theirs.get(key)]
        return statistics.median(ratios) if ratios else None

    def difference(self, proxy: str, peer: str, key: str) -> float | None:
        """Median over the rounds of what one round's figure is more than the peer's."""
        differences = [
            mine[key] - theirs[key] for mine, theirs in zip(self.rounds.get(proxy, []), self.rounds.get(peer, []))
            if key in mine and key in theirs]
        return statistics.median(differences) if differences else None

    def counterpart(self, row: str) -> str | None:
        """Heddle's row that did what this one did: "heddle 10" for "envoy 10", "heddle" for "envoy HTTP/1.1"; None for its own."""
        name, _, variant = row.partition(" ")
        if name == "heddle":
            return None
        return next((ours for ours in (f"heddle {variant}", "heddle") if ours in self.rounds), None)

    def as_json(self) -> dict:
        proxies = {}
        for proxy in self.rounds:
            figures = {column.key: self.median(proxy, column.key) for column in self.columns}
            ratios = {
                column.key: self.ratio(ours, proxy, column.key) for column in self.columns
                if column.has_ratio and (ours := self.counterpart(proxy))}
            proxies[proxy] = {"median": figures, "heddleRatio": ratios, "rounds": self.rounds[proxy]}
        return {"title": self.title, "proxies": proxies, "notes": self.notes}

    def as_table(self) -> str:
        header = ["", *(column.title for column in self.columns)]
        header += [f"heddle ÷ it: {column.title}" for column in self.columns if column.has_ratio]
        rows = [header]
        for proxy in self.rounds:
            row, ours = [proxy], self.counterpart(proxy)
            for column in self.columns:
                row.append(_shown(self.median(proxy, column.key), column.digits))
            for column in self.columns:
                if column.has_ratio:
                    row.append(_shown(self.ratio(ours, proxy, column.key), 2) if ours else "")
            rows.append(row)
        return "\n".join([f"### {self.title}", "", _markdown(rows), *(f"\n{note}" for note in self.notes)])


def percentile(values: list[float], share: float) -> float:
    """Nearest rank."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


@dataclass(frozen=True)
class Target:
    """A promise about speed or size, and whether this run kept it."""

    what: str
    limit: float
    measured: float | None
    #: The measured figure must be at least the limit instead of at most.
    is_minimum: bool = False

    @property
    def is_kept(self) -> bool | None:
        if self.measured is None:
            return None
        return self.measured >= self.limit if self.is_minimum else self.measured <= self.limit

    def as_json(self) -> dict:
        return {
            "what": self.what, "limit": self.limit, "measured": self.measured,
            "comparison": "at least" if self.is_minimum else "at most", "kept": self.is_kept,
        }


def targets_table(targets: list[Target]) -> str:
    verdicts = {True: "yes", False: "**no**", None: "not measured"}
    rows = [["target", "limit", "measured", "kept"]]
    for target in targets:
        sign = "≥" if target.is_minimum else "≤"
        rows.append([target.what, f"{sign} {target.limit:g}", _shown(target.measured, 2), verdicts[target.is_kept]])
    return "### Targets\n\n" + _markdown(rows)


def _shown(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:,.{digits}f}"


def _markdown(rows: list[list[str]]) -> str:
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in rows]
    rule = "|" + "|".join("-" * (width + 1) + (":" if index else "-") for index, width in enumerate(widths)) + "|"
    return "\n".join([lines[0], rule, *lines[1:]])
