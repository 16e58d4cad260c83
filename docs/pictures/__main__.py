"""Draws all pictures of the documents anew: ``python docs/pictures``."""

from __future__ import annotations

from pathlib import Path

import architecture
import one_job
import performance

PICTURES = {
    "architecture.svg": architecture.draw,
    "one-job.svg": one_job.draw,
    "performance.svg": performance.draw_one_host,
    "performance-cluster.svg": performance.draw_cluster,
}


def main() -> None:
    """Draws them."""
    for name, draw in PICTURES.items():
        (Path(__file__).parent / name).write_text(draw(), encoding="utf-8")


if __name__ == "__main__":
    main()
