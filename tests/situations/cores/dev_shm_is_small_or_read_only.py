"""Large arguments and results travel where /dev/shm is of 1 MB, and where it is read-only.

On: cores
Needs: root

$ unshare -m sh -c 'mount -t tmpfs -o size=1m none /dev/shm; python dev_shm_is_small_or_read_only.py'
2 values of 20000000 bytes
$ unshare -m sh -c 'mount -t tmpfs -o ro none /dev/shm; python dev_shm_is_small_or_read_only.py'
2 values of 20000000 bytes
"""

import gridengine


def reverse(data):
    return data[::-1]


if __name__ == "__main__":
    values = gridengine.map(reverse, [bytes(20_000_000), bytes(20_000_000)])
    print(f"{len(values)} values of {len(values[0])} bytes")
