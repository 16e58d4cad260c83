"""The table as text, JSON and a picture."""

from __future__ import annotations

import importlib.util
import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .measure import Results, median, ratio
from .rows import Row, amount


def machine(versions: dict[str, str], workers: int) -> dict[str, Any]:
    """Returns what a reader must know to compare figures."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "cores": cores,
        "workers": workers,
        "processor": _processor(),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "load": round(os.getloadavg()[0], 2),
        "versions": versions,
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def summary(results: Results, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Returns one entry for each row that was measured: medians, ratios, what is reached."""
    return [_entry(row, results[row.figure]) for row in rows if row.figure in results]


def _entry(row: Row, of: dict[str, list[float | None]]) -> dict[str, Any]:
    medians = {peer: median(values) for peer, values in of.items()}
    ours = row.ours
    others = {peer: value for peer, value in medians.items() if peer != ours}
    best = None
    if others:
        best = (max if row.more else min)(others, key=lambda peer: others[peer])
    against = row.against if row.against in others else best if not row.against else None
    entry: dict[str, Any] = {
        "figure": row.figure,
        "title": row.title,
        "unit": row.unit,
        "ours": ours,
        "medians": medians,
        "rounds": of,
        "best": best,
        "against": against,
        "reach": row.reach,
        "ratio_to_best": None,
        "ratio": None,
        "reached": None,
    }
    if ours not in medians:
        return entry
    if best:
        entry["ratio_to_best"] = ratio(of[ours], of[best])
    if against:
        entry["ratio"] = ratio(of[ours], of[against])
    if row.limit is not None:
        entry["reached"] = not row.better(row.limit, medians[ours])
    elif row.factor and entry["ratio"] is not None:
        entry["reached"] = not row.better(row.factor, entry["ratio"])
    return entry


def table(entries: Sequence[dict[str, Any]]) -> str:
    """Returns the table in Markdown, which reads well as it is too."""
    head = ["work", "gridengine", "best peer", "ours / best", "to reach", "ours / that", "reached"]
    lines = [head]
    for entry in entries:
        medians, unit, best = entry["medians"], entry["unit"], entry["best"]
        ours = entry["ours"]
        lines.append(
            [
                entry["title"],
                amount(medians[ours], unit) if ours in medians else "–",
                f"{best} {amount(medians[best], unit)}" if best else "–",
                _ratio(entry["ratio_to_best"]),
                entry["reach"] or "–",
                _ratio(entry["ratio"]) if entry["reach"] else "–",
                {True: "yes", False: "NO", None: "–"}[entry["reached"]],
            ]
        )
    return aligned(lines)


def all_medians(entries: Sequence[dict[str, Any]], peers: Sequence[str]) -> str:
    """Returns a second table: every library's median."""
    lines = [["work", *peers]]
    for entry in entries:
        medians = entry["medians"]
        cells = [amount(medians[p], entry["unit"]) if p in medians else "–" for p in peers]
        lines.append([entry["title"], *cells])
    return aligned(lines)


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:.3g}"


def aligned(lines: list[list[str]]) -> str:
    """Returns a Markdown table whose columns are aligned."""
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    text = []
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        text.append(f"| {' | '.join(cells)} |")
    text.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(text)


def write_json(path: str, host: dict[str, Any], entries: Sequence[dict[str, Any]]) -> None:
    """Writes all that was measured."""
    Path(path).write_text(json.dumps({"machine": host, "rows": list(entries)}, indent=1) + "\n")


def draw(path: str, host: dict[str, Any], entries: Sequence[dict[str, Any]]) -> bool:
    """Draws how many times faster than each peer it is; False without matplotlib.

    A bar to the right of 1 is a peer that is slower.
    """
    if importlib.util.find_spec("matplotlib") is None:
        return False
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = [e for e in entries if e["best"] and e["ours"] in e["medians"]]
    peers = [p for p in host["versions"] if any(p in _others(e) for e in shown)]
    figure, axes = pyplot.subplots(figsize=(9, 1.5 + 0.8 * len(shown)), layout="constrained")
    height = 0.8 / max(1, len(peers))
    for index, peer in enumerate(peers):
        places, bars = [], []
        for place, entry in enumerate(shown):
            if peer in _others(entry):
                ours, theirs = entry["medians"][entry["ours"]], entry["medians"][peer]
                places.append(place + index * height)
                bars.append((theirs / ours if _less_is_better(entry) else ours / theirs) - 1)
        axes.barh(places, bars, height, left=1, label=peer)
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_yticks([p + 0.4 for p in range(len(shown))], [e["title"] for e in shown])
    axes.invert_yaxis()
    axes.set_xlabel("how many times as fast as the peer (right of 1: faster)")
    axes.set_title(f"gridengine beside its peers, {host['workers']} workers, {host['cores']} cores")
    axes.legend(loc="lower right", fontsize="small")
    figure.savefig(path)
    return True


def _others(entry: dict[str, Any]) -> list[str]:
    return [peer for peer in entry["medians"] if peer != entry["ours"]]


def _less_is_better(entry: dict[str, Any]) -> bool:
    return entry["unit"] in ("s", "MB")
