"""A folder that is added to `sys.path` after the first map: its modules are found in the next.

On: cores, cluster

$ python sys_path_later.py
[1]
['plugin of plugins']
"""

import sys
from pathlib import Path

import gridengine


def main():
    print(gridengine.map(abs, [-1]))
    Path("plugins").mkdir()
    Path("plugins/plugin.py").write_text(
        "from pathlib import Path\ndef name(x): return f'plugin of {Path(__file__).parent.name}'\n"
    )
    sys.path.insert(0, "plugins")
    import plugin

    print(gridengine.map(plugin.name, [0]))


if __name__ == "__main__":
    main()
