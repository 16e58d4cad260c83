"""The dictionaries, lists and queues of a `multiprocessing.Manager` in jobs.

On: cores

$ python proxies_of_a_manager.py
{0: 0, 1: 1, 2: 4, 3: 9}
[0, 1, 2, 3]
the answer of a job
"""

import multiprocessing

import gridengine


def note(squares, names, x):
    squares[x] = x * x
    names.append(x)


def main():
    # Workers are there before the manager.
    gridengine.map(abs, range(4))
    with multiprocessing.Manager() as manager:
        squares, names, answers = manager.dict(), manager.list(), manager.Queue()
        gridengine.map(lambda x: note(squares, names, x), range(4))
        print(dict(sorted(squares.items())))
        print(sorted(names))
        job = gridengine.Job(target=answers.put, args=("the answer of a job",))
        job.start()
        print(answers.get(timeout=30))
        job.join()


if __name__ == "__main__":
    main()
