"""An ordinary user, with the site's Python.

Site: user, own-python

$ python an_ordinary_user_needs_nothing_special.py
geuser on a node, geuser here
"""

import getpass

import gridengine

if __name__ == "__main__":
    [there] = gridengine.map(lambda _: getpass.getuser(), [1])
    print(f"{there} on a node, {getpass.getuser()} here")
