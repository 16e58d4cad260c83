"""Inside a `with`, its scheduler is the default: of this thread or task, and of no other.

$ python the_with_around_it_is_the_default.py
map, Job and JobDispatcher use the scheduler around them: True True True
the inner one of two: True, and after it the outer one: True
a task of asyncio has its own, and so has to_thread: True True
another thread does not: True
after the with: True
"""

import asyncio
import os
import threading

import gridengine
from gridengine.schedulers import ProcessScheduler, best_available, current


def parent(_=None):
    return os.getppid()


def supervisors():
    """Who supervises the worker that a map, a Job, and a job of a JobDispatcher run on."""
    job, other = gridengine.Job(target=parent), gridengine.Job(target=parent)
    job.start()
    dispatcher = gridengine.JobDispatcher()
    dispatcher.dispatch([other])
    return [*gridengine.map(parent, [1]), job.result, *dispatcher.join()]


async def a_task(scheduler):
    with scheduler:
        await asyncio.sleep(0.01)
        return current() is scheduler and await asyncio.to_thread(current) is scheduler


async def tasks():
    a, b = ProcessScheduler(1), ProcessScheduler(1)
    return await asyncio.gather(a_task(a), a_task(b))


if __name__ == "__main__":
    seen = []
    with ProcessScheduler(1) as outer:
        (mine,) = gridengine.map(parent, [1], scheduler=outer)
        each = [supervisor == mine for supervisor in supervisors()]
        print("map, Job and JobDispatcher use the scheduler around them:", *each)
        with ProcessScheduler(1) as inner:
            is_inner = current() is inner
        print(f"the inner one of two: {is_inner}, and after it the outer one: {current() is outer}")
        print("a task of asyncio has its own, and so has to_thread:", *asyncio.run(tasks()))
        thread = threading.Thread(target=lambda: seen.append(current() is best_available()))
        thread.start()
        thread.join()
        print("another thread does not:", *seen)
    print("after the with:", current() is best_available())
