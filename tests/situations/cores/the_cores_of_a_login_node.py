"""Where there are signs of a cluster that cannot be used, its login node is not taken silently.

On: cores

$ echo 'unset GRIDENGINE_SCHEDULER; export SGE_ROOT=/opt/sge DRMAA_LIBRARY_PATH=/opt/sge/drmaa.so' > login
> . ./login; python the_cores_of_a_login_node.py
workers are processes of this host, though there are signs of a cluster (SGE_ROOT=/opt/sge...): no Grid Engine here: ... If that is meant, set GRIDENGINE_SCHEDULER=process; ...
[1, 2]
$ . ./login; GRIDENGINE_SCHEDULER=process python the_cores_of_a_login_node.py
[1, 2]
$ . ./login; GRIDENGINE_SCHEDULER=grid_engine python the_cores_of_a_login_node.py 2>&1 | tail -1
gridengine.errors.SchedulerUnavailable: no Grid Engine here: ... (and GRIDENGINE_SCHEDULER=grid_engine allows nothing else)
$ . ./login; echo 'scheduler = "grid_engine"' > gridengine.toml
> python the_cores_of_a_login_node.py 2>&1 | tail -1
gridengine.errors.SchedulerUnavailable: no Grid Engine here: ... (and scheduler in .../gridengine.toml allows nothing else)
"""

import gridengine

if __name__ == "__main__":
    print(gridengine.map(abs, [-1, 2]))
