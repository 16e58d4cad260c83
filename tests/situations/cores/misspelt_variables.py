"""A variable that is no setting is an error with the nearest right one; a bad value too.

On: cores

$ GRIDENGINE_PATIENT=60 python misspelt_variables.py 2>&1 | tail -1
gridengine.errors.GridEngineError: GRIDENGINE_PATIENT is no setting; did you mean GRIDENGINE_PATIENCE? ...
$ GRIDENGINE_SCHEDULAR=process python misspelt_variables.py 2>&1 | tail -1
gridengine.errors.GridEngineError: GRIDENGINE_SCHEDULAR is no setting; did you mean GRIDENGINE_SCHEDULER? ...
$ GRIDENGINE_SITE=1 GRIDENGINE_IGNORED_VARIABLES=GRIDENGINE_SITE python misspelt_variables.py
[1]
$ GRIDENGINE_PATIENCE=long python misspelt_variables.py 2>&1 | tail -1
gridengine.errors.GridEngineError: GRIDENGINE_PATIENCE is 'long'; it takes a number
$ GRIDENGINE_SCHEDULER=proces python misspelt_variables.py 2>&1 | tail -1
ValueError: GRIDENGINE_SCHEDULER='proces': ...
"""

import gridengine

if __name__ == "__main__":
    print(gridengine.map(abs, [-1]))
