"""Maps in greenlets, with all of the standard library patched by gevent.

On: cores
Needs: gevent

$ python gevent_patches_all.py
[0, 1, 4] [0, 1, 8]
job 9
"""

from gevent import monkey

monkey.patch_all()

import gevent  # noqa: E402

import gridengine  # noqa: E402


def square(x):
    return x * x


if __name__ == "__main__":
    one = gevent.spawn(gridengine.map, square, range(3))
    two = gevent.spawn(gridengine.map, lambda x: x**3, range(3))
    gevent.joinall([one, two], raise_error=True)
    print(one.value, two.value)
    job = gridengine.Job(target=square, args=(3,))
    job.start()
    print("job", job.result)
