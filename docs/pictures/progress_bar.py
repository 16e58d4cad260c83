"""Makes progress.svg of what a bar really draws.

On the scheduler that there is; the picture in the documents is of the test cluster:
``python -m tests.cluster own python docs/pictures/progress_bar.py``. It needs pexpect and tqdm.
"""

import html
import re
import sys
from pathlib import Path

import pexpect

COLUMNS = 112

PROGRAM = """
import os, random, signal, time
import gridengine

def simulate(x):
    time.sleep(random.uniform(0.2, 0.6))
    if x == 33 and not os.path.exists(marker):
        open(marker, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    if x in (40, 90):
        raise ValueError(x)

marker = os.path.abspath(f".killed-{os.getpid()}")
try:
    gridengine.map(simulate, range(160), progress=True, reraise=False)
finally:
    os.remove(marker)
"""


def frames() -> list[str]:
    """Returns what is drawn, one text for each time."""
    child = pexpect.spawn(
        sys.executable, ["-c", PROGRAM], dimensions=(24, COLUMNS), encoding="utf-8", timeout=120
    )
    child.expect(pexpect.EOF)
    drawn = [line.rstrip() for line in re.split(r"[\r\n]+", child.before)]
    return [line for line in drawn if line.startswith("simulate")]


def some(drawn: list[str]) -> list[str]:
    """Returns a few of them: while it waits, in the middle, and the last one."""
    picked = [line for line in drawn if "waiting" in line][-1:]
    for percent in (5, 30, 70):
        later = [line for line in drawn if int(re.findall(r"(\d+)%", line)[0]) >= percent]
        picked += later[:1]
    return [*picked, drawn[-1]]


def svg(lines: list[str]) -> str:
    """Returns a picture of lines of text, as on a dark terminal."""
    width, height = COLUMNS * 8.4 + 32, len(lines) * 22 + 28
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}"',
        'role="img" aria-label="A progress bar at several moments"',
        'font-family="monospace" font-size="14" fill="#e6e6e6">',
        '<rect width="100%" height="100%" rx="8" fill="#1e1e1e"/>',
    ]
    for number, line in enumerate(lines):
        where = f'x="16" y="{30 + 22 * number}" textLength="{8.4 * len(line):.0f}"'
        how = 'xml:space="preserve" lengthAdjust="spacingAndGlyphs"'
        parts.append(f"<text {where} {how}>{html.escape(line)}</text>")
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    lines = some(frames())
    sys.stdout.write("\n".join(lines) + "\n")
    Path(__file__).with_suffix(".svg").write_text(svg(lines), encoding="utf-8")
