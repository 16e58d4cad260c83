"""Sixteen threads map and start jobs at the same time, on one scheduler and on their own.

$ python sixteen_threads.py
16 of 16 right
4 of 4 right, each on its own
"""

import threading

import gridengine


def times(x, factor):
    return x * factor


def work(number, done, scheduler=None):
    values = gridengine.map(times, range(50), [number] * 50, scheduler=scheduler)
    job = gridengine.Job(target=times, args=(3, number), scheduler=scheduler)
    job.start()
    if values == [number * x for x in range(50)] and job.result == 3 * number:
        done.append(number)


def own(number, done):
    with gridengine.schedulers.ProcessScheduler(1) as scheduler:
        work(number, done, scheduler)


def run(count, target):
    done = []
    threads = [threading.Thread(target=target, args=(n, done)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return f"{len(done)} of {count} right"


if __name__ == "__main__":
    print(run(16, work))
    print(f"{run(4, own)}, each on its own")
