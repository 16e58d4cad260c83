"""Help is for users, and the tab key shows what they may use, whatever has been imported.

On: cores

$ python help_dir_and_the_tab_key.py
Help on package gridengine:
NAME
    gridengine - Run Python functions on this computer's cores and, with the same code, on a cluster.
no folder of ours is explained: True
after the tab key: AsyncResult BreakpointError Death DeathCause ... Job JobCancelled JobDied JobDispatcher ... errors ... map partial raised register_by_value ... schedulers ... unregister_by_value
of its schedulers: GridEngineScheduler ... InlineScheduler ... ProcessScheduler Scheduler SlurmScheduler ...
"""

import pydoc
import rlcompleter

import gridengine


def after_the_tab_key(text):
    completer = rlcompleter.Completer({"gridengine": gridengine})
    found = []
    while (word := completer.complete(text, len(found))) is not None:
        found.append(word)
    return " ".join(sorted(word.removeprefix(text).rstrip("()") for word in found))


if __name__ == "__main__":
    gridengine.map(abs, [-1])
    help_text = pydoc.plain(pydoc.render_doc(gridengine, "Help on %s:"))
    lines = [line for line in help_text.splitlines() if line]
    print(*lines[:3], sep="\n")
    print("no folder of ours is explained:", "ledger/" not in help_text)
    print("after the tab key:", after_the_tab_key("gridengine."))
    print("of its schedulers:", after_the_tab_key("gridengine.schedulers."))
