"""The same function on this computer's cores and on a cluster: python example.py"""

import random
import time

import gridengine


def dice(rolls: int, sides: int = 6) -> float:
    """Returns the average of many rolls: a stand-in for what takes you hours."""
    return sum(random.randint(1, sides) for _ in range(rolls)) / rolls  # noqa: S311


class Survey(gridengine.Job):
    """A job that keeps what it found, as a thread would."""

    def run(self) -> str:
        self.averages = {sides: round(dice(100_000, sides), 2) for sides in (4, 6, 20)}
        return f"rolled three kinds of dice on {self.name}"


def main() -> None:
    # A map on this computer, while you write and debug.
    with gridengine.schedulers.ProcessScheduler() as laptop:
        begin = time.perf_counter()
        averages = gridengine.map(dice, [200_000] * 16, scheduler=laptop)
        print(f"{laptop}: {min(averages):.3f} to {max(averages):.3f}", end=" ")
        print(f"in {time.perf_counter() - begin:.2f} s")

    # The same map where the work is: on a Grid Engine, if there is one, else here again.
    with gridengine.schedulers.best_available() as best:
        begin = time.perf_counter()
        averages = gridengine.map(dice, [200_000] * 16, scheduler=best)
        print(f"{best}: {min(averages):.3f} to {max(averages):.3f}", end=" ")
        print(f"in {time.perf_counter() - begin:.2f} s")

        # Single jobs have threading.Thread's interface, and a result.
        job = gridengine.Job(target=dice, args=(100_000,), kwargs={"sides": 20}, scheduler=best)
        survey = Survey(name="the survey", mutable=True, scheduler=best)
        job.start()
        survey.start()
        survey.join()
        print(f"{job.result:.1f} on {job.host}; {survey.result}: {survey.averages}")

        # What goes wrong says so: the job's own exception, with its traceback from over there.
        wrong = gridengine.Job(target=dice, args=(0,), scheduler=best)
        wrong.start()
        print(f"{wrong.exception!r}: {wrong!r}")


if __name__ == "__main__":
    main()
