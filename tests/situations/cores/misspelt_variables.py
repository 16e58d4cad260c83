"""A variable that is nearly one of ours is named, with the nearest right one; a bad value too.

On: cores

$ GRIDENGINE_PATIENT=60 GRIDENGINE_SITE_OF_OTHERS=1 python misspelt_variables.py
GRIDENGINE_PATIENT is read by nobody; did you mean GRIDENGINE_PATIENCE?
[1]
$ GRIDENGINE_SCHEDULAR=process python misspelt_variables.py
GRIDENGINE_SCHEDULAR is read by nobody; did you mean GRIDENGINE_SCHEDULER?
[1]
$ GRIDENGINE_PATIENCE=long python misspelt_variables.py 2>&1 | tail -1
gridengine.errors.GridEngineError: GRIDENGINE_PATIENCE is 'long'; it takes a number
$ GRIDENGINE_SCHEDULER=proces python misspelt_variables.py 2>&1 | tail -1
ValueError: GRIDENGINE_SCHEDULER='proces': ...
"""

import gridengine

if __name__ == "__main__":
    print(gridengine.map(abs, [-1]))
