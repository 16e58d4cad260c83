"""Rows, groups and columns of a DataFrame, and DataFrames as results.

On: cores, cluster
Needs: pandas
Slow: each process imports pandas

$ python rows_of_a_dataframe.py
rows ['oak 60', 'elm 40']
tuples [60, 40]
groups {'elm': 40, 'oak': 60}
columns ['height', 'kind']
same True
together [2, 4]
"""

import pandas

import gridengine


def describe(row):
    _, row = row
    return f"{row['kind']} {2 * row.height}"


def doubled(frame):
    return frame.assign(height=frame.height * 2)


def main():
    trees = pandas.DataFrame({"kind": ["oak", "elm"], "height": [30, 20]})
    print("rows", gridengine.map(describe, trees.iterrows()))
    print("tuples", gridengine.map(lambda row: 2 * int(row.height), trees.itertuples()))
    groups = gridengine.map(lambda g: (g[0], int(2 * g[1].height.sum())), trees.groupby("kind"))
    print("groups", dict(groups))
    print("columns", sorted(gridengine.map(str, trees)))
    frames = gridengine.map(doubled, [trees, trees])
    print("same", frames[1].equals(doubled(trees)))
    print("together", [len(frames), len(pandas.concat(frames))])


if __name__ == "__main__":
    main()
