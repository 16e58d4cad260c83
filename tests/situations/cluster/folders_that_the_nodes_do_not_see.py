"""The program's own folder, or that of its session, is on a disk that the nodes do not see.

`unshare` and a mount make it so. A module of such a folder goes by value; without the session's
folder a worker cannot start.

Slow: four programs, one after the other
Needs: root

$ echo 'def square(x): return x * x' > shapes.py
> cat > on_a_disk_of_its_own <<'END'
> mkdir -p disk && mount -t tmpfs none disk && cp *.py disk && cd disk && mkdir -m 700 run
> exec python folders_that_the_nodes_do_not_see.py
> END
> unshare --mount --propagation private bash on_a_disk_of_its_own 2>&1
of the program: [1, 4]
of the module: ModuleNotFoundError: No module named 'shapes'
and by value: [1, 4]
$ unshare --mount --propagation private env GRIDENGINE_RUN_DIR=run bash on_a_disk_of_its_own 2>&1 | tail -1
and by value: SchedulerError: queue job ... did not start: ...can't open output file...
"""

import shapes

import gridengine


def square(x):
    return x * x


def outcome(function):
    try:
        return gridengine.map(function, [1, 2])
    except (ImportError, gridengine.SchedulerError) as error:
        return f"{type(error).__name__}: {error.args[0].splitlines()[0]}"


if __name__ == "__main__":
    print("of the program:", outcome(square))
    print("of the module:", outcome(shapes.square))
    gridengine.register_by_value(shapes)
    print("and by value:", outcome(shapes.square))
