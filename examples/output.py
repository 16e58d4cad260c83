"""What jobs print: python examples/output.py

Shows two jobs at work line by line, and reads what a third has printed, which was not shown.
"""

import subprocess

import gridengine


def bake(cake: str) -> str:
    """Says how far it is, by itself and by another program."""
    print(f"{cake}: in the oven")
    subprocess.run(["echo", f"{cake}: a process says so too"], check=True)
    return cake.upper()


def main() -> None:
    """Runs all of them on the best scheduler that there is."""
    print(gridengine.map(bake, ["apple cake", "cheese cake"], chunksize=1))
    job = gridengine.Job(target=bake, args=("a secret",), output="collect")
    job.start()
    job.join()
    print("it has printed:", job.output.splitlines())


if __name__ == "__main__":
    main()
