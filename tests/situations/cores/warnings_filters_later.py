"""Filters for warnings hold in jobs as in the program: those of `-W`, and those set later.

On: cores, cluster

$ python warnings_filters_later.py 2>&1
told: warnings_filters_later.py
quiet: 1
as an error: old is deprecated
told again: warnings_filters_later.py
$ python -W error warnings_filters_later.py 2>&1 | grep ^Deprecation | tail -1
DeprecationWarning: old is deprecated
"""

import warnings

import gridengine


class MyWarning(DeprecationWarning):
    """A category of the program's own."""


def old(x):
    with warnings.catch_warnings(record=True) as told:
        warnings.warn("old is deprecated", MyWarning, stacklevel=1)
    return [each.filename.rpartition("/")[2] for each in told] or [1]


def main():
    if any(
        action == "error" and category is Warning for action, _, category, *_ in warnings.filters
    ):
        # `-W error`
        gridengine.map(lambda x: warnings.warn("old is deprecated", DeprecationWarning), [0])
    print("told:", *gridengine.map(old, [0])[0])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MyWarning)
        print("quiet:", *gridengine.map(old, [0])[0])
        warnings.simplefilter("error", MyWarning)
        try:
            gridengine.map(old, [0])
        except MyWarning as error:
            print("as an error:", error)
    print("told again:", *gridengine.map(old, [0])[0])


if __name__ == "__main__":
    main()
