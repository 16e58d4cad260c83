"""Progress bars in jobs, and one around the items of a map.

On: cores
Needs: tqdm

$ python tqdm_in_jobs.py 2> bars
[3, 3] 4
$ tr '\\r' '\\n' < bars | grep -c 'in a job: 100%.* 3/3'
2
$ tr '\\r' '\\n' < bars | grep -c 'items: 100%.* 4/4'
1
"""

from tqdm import tqdm

import gridengine


def count(x):
    return sum(1 for _ in tqdm(range(3), desc="in a job"))


if __name__ == "__main__":
    with gridengine.schedulers.ProcessScheduler(1) as one:
        counts = gridengine.map(count, [1, 2], scheduler=one)
    print(counts, len(gridengine.map(abs, tqdm([1, 2, 3, 4], desc="items"))))
