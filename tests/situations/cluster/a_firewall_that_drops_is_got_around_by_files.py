"""A firewall that drops what the nodes send: messages go through files, and that is said.

Slow: nodes try until they give up
Site: firewall-drop

$ GRIDENGINE_CONNECT_TIMEOUT=3 python a_firewall_that_drops_is_got_around_by_files.py 2> warnings
[0, 1, 4, 9, 16, 25, 36, 49]
$ grep -c "ge-node. does not reach this program.*go through files.*GRIDENGINE_PORTS" warnings
1
$ GRIDENGINE_CHANNEL=files python a_firewall_that_drops_is_got_around_by_files.py
[0, 1, 4, 9, 16, 25, 36, 49]
"""

import time

import gridengine


def square(x):
    time.sleep(0.5)
    return x * x


if __name__ == "__main__":
    print(gridengine.map(square, range(8), chunksize=1))
