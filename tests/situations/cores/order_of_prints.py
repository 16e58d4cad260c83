"""What jobs print comes whole, line by line, and in order for each job, on the program's output.

On: cores

$ python order_of_prints.py > out 2> err; cat err; grep -v '^job' out; sort -u out | wc -l
one word on standard error
before
after
402
$ python - <<END
> lines = [line.split() for line in open("out") if line.startswith("job")]
> for job in "01": print([int(n) for _, j, n in lines if j == job] == list(range(200)))
> END
True
True
"""

import sys

import gridengine


def talk(job):
    for number in range(200):
        print("job", job, number)
    if job == 1:
        print("one word on standard error", file=sys.stderr)


if __name__ == "__main__":
    print("before", flush=True)
    gridengine.map(talk, range(2), chunksize=1)
    print("after")
