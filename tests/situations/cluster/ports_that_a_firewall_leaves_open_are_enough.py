"""Behind a firewall that leaves some ports open, GRIDENGINE_PORTS names them, and all is well.

Site: firewall-drop

$ GRIDENGINE_PORTS=20000-20099 python ports_that_a_firewall_leaves_open_are_enough.py
[0, 1, 4, 9]
"""

import gridengine

if __name__ == "__main__":
    print(gridengine.map(lambda x: x * x, range(4)))
