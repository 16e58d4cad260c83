"""A program that was written for GridMap, with its import changed.

Where no cluster answers it runs in this process, or in some with ``max_processes=``.
"""

from gridengine.compat.gridmap import Job, grid_map, process_jobs


def factorial(n: int) -> int:
    product = 1
    for factor in range(2, n + 1):
        product *= factor
    return product


if __name__ == "__main__":
    numbers = [3, 5, 10, 20]
    for n, result in zip(numbers, grid_map(factorial, numbers, max_processes=4), strict=True):
        print(f"{n}! = {result}")

    jobs = [Job(pow, [2, n], name=f"power_{n}", h_rt="00:10:00") for n in numbers]
    process_jobs(jobs, max_processes=4)
    print(", ".join(f"{job.name}: {job.ret}" for job in jobs))
