"""What was slow, and what shall I ask for? python examples/report.py

Runs tasks of very different sizes, on all cores or on the cluster, and writes run.html: workers and
time, memory, the slowest calls, what to request next time. Needs matplotlib and Jinja2:
pip install 'gridengine[report]'.
"""

import random

import gridengine


def smallest(size: int) -> float:
    """Returns the smallest of many random numbers."""
    return min([random.random() for _ in range(size)])


def main() -> None:
    sizes = [random.Random(seed).randrange(1000, 60_000) for seed in range(200)]
    gridengine.map(smallest, sizes, report="run.html")
    print("run.html has the report")


if __name__ == "__main__":
    main()
