"""Arrays: rows, whole ones, structured, views, other orders and types; results can be written.

On: cores, cluster
Needs: numpy

$ python arrays.py
rows [3, 12]
structured [('oak', 60), ('elm', 40)]
fields ('kind', 'height')
same [True, True, True, True, True, True, True]
sums [499999500000, 499999500000]
written 5.0
"""

import numpy as np

import gridengine


def main():
    print("rows", [int(x) for x in gridengine.map(np.sum, np.arange(6).reshape(2, 3))])
    trees = np.array([("oak", 30), ("elm", 20)], dtype=[("kind", "U8"), ("height", "i4")])
    print("structured", gridengine.map(lambda tree: (str(tree["kind"]), int(2 * tree[1])), trees))
    print("fields", gridengine.map(lambda x: x, [trees])[0].dtype.names)
    several = [
        trees,
        np.asfortranarray(np.arange(12.0).reshape(3, 4)),
        np.arange(100_000)[::3],
        np.array(["2024-01-31"], dtype="datetime64[D]"),
        np.ma.masked_less(np.arange(4), 2),
        np.array(3 + 4j),
        np.empty((0, 3)),
    ]
    back = gridengine.map(lambda x: x, several)
    same = [np.array_equal(x, y) and x.dtype == y.dtype for x, y in zip(several, back, strict=True)]
    print("same", same)
    large = np.arange(1_000_000)  # 8 MB
    print("sums", gridengine.map(lambda factor: int(large.sum()), [1, 2]))
    result = gridengine.map(np.zeros, [1_000_000])[0]
    result[3] = 5
    print("written", float(result.sum()))


if __name__ == "__main__":
    main()
