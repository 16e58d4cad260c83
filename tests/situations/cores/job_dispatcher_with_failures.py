"""A JobDispatcher raises what the first job in order has raised; it prints nothing besides.

$ python job_dispatcher_with_failures.py
raised: 1 is odd
in the list: [0, ValueError('1 is odd'), 4, ValueError('3 is odd')]
"""

import gridengine


def halve(x):
    if x % 2:
        raise ValueError(f"{x} is odd")
    return 2 * x


def jobs():
    return [gridengine.Job(target=halve, args=(x,)) for x in range(4)]


if __name__ == "__main__":
    dispatcher = gridengine.JobDispatcher()
    dispatcher.dispatch(jobs())
    try:
        dispatcher.join()
    except ValueError as error:
        print("raised:", error)
    dispatcher.dispatch(jobs())
    print("in the list:", dispatcher.join(reraise=False))
