"""Makes top.svg of what ``gridengine top`` really shows.

On the scheduler that there is; the picture in the documents is of the test cluster:
``python -m tests.cluster own python docs/pictures/top.py``. It needs textual.
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gridengine.cli.top.app import Top
from gridengine.observers.watching import WatchedPrograms

PROGRAM = """
import random, time
import gridengine

def simulate(x):
    end = time.monotonic() + random.uniform(1, 6)
    while time.monotonic() < end:
        sum(range(10_000))
        time.sleep(0.005)
    if x in (3, 11):
        raise ValueError(f"no solution for {x}")

gridengine.map(simulate, range(400), reraise=False, chunksize=1)
"""

#: Seconds after which it is looked at: workers are there, and some calls are done.
LATER = 15.0


def picture(run_dir: str) -> str:
    """Returns a picture of what is shown."""
    watched = WatchedPrograms(run_dir)
    watched.add(watched.search())

    async def look() -> str:
        app = Top(watched)
        async with app.run_test(size=(128, 18)) as pilot:
            await pilot.pause(12.0)
            return app.export_screenshot()

    try:
        return asyncio.run(look())
    finally:
        watched.close()


def plain(svg: str) -> str:
    """Returns it without what a browser would fetch."""
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code", "monospace").replace("monospace, monospace", "monospace")
    label = 'role="img" aria-label="gridengine top, in a terminal"'
    svg = svg.replace("<svg ", f"<svg {label} ", 1)
    return "\n".join(line.rstrip() for line in svg.splitlines() if line.strip()) + "\n"


def main() -> None:
    """Makes it."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {**os.environ, "GRIDENGINE_RUN_DIR": f"{folder}/run"}
        Path(folder, "simulate.py").write_text(PROGRAM, encoding="utf-8")
        program = subprocess.Popen([sys.executable, "simulate.py"], cwd=folder, env=environ)
        try:
            time.sleep(LATER)
            drawn = plain(picture(f"{folder}/run"))
        finally:
            program.terminate()
            program.wait()

    Path(__file__).with_suffix(".svg").write_text(drawn, encoding="utf-8")


if __name__ == "__main__":
    main()
