"""Where accounting comes 15 s late, the certificate of a job over its h_rt has what it says.

Slow: waits for the accounting
Site: defaults

$ python a_job_over_its_time_says_so_at_a_site.py
job ... with 60 died: over its time (SIGKILL)
...
  batch system: qacct: ...exit_status 137...
  advice: h_rt: ran ... s of 2 s; ask for more
"""

import time

import gridengine

if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(h_rt=2) as scheduler:
        job = gridengine.Job(target=time.sleep, args=(60,), scheduler=scheduler)
        job.start()
        print(job.exception.death)
