"""A job over its memory has a MemoryError, with what was granted.

$ python a_job_over_its_h_vmem.py
MemoryError
... of 1G of address space (h_vmem...
"""

import gridengine

if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(h_vmem="1G") as scheduler:
        job = gridengine.Job(target=bytearray, args=(2**32,), scheduler=scheduler)
        job.start()
        error = job.exception
    print(type(error).__name__)
    print(*error.__notes__)
