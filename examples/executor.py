"""Sums of digits, by `concurrent.futures` on whatever scheduler there is: as soon as each is done.

``GRIDENGINE_SCHEDULER=process`` runs it on this computer's cores.
"""

from concurrent.futures import as_completed

import gridengine


def digits(power: int) -> int:
    return sum(map(int, str(2**power)))


def main() -> None:
    with gridengine.Executor(2) as executor:
        futures = {executor.submit(digits, power): power for power in (10, 100, 1000)}
        for future in as_completed(futures):
            print(f"the digits of 2 ** {futures[future]} have the sum {future.result()}")


if __name__ == "__main__":
    main()
