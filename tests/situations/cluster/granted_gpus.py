"""The devices that a queue job was granted are those that its jobs see, not the submit host's.

A site's prolog sets CUDA_VISIBLE_DEVICES, or a resource map SGE_HGR_gpu; here `-v` does.

$ CUDA_VISIBLE_DEVICES=0,1,2,3 python granted_gpus.py
nothing granted         0,1,2,3
CUDA_VISIBLE_DEVICES=3  3
SGE_HGR_gpu=1           1
changed by the program  3
"""

import os

import gridengine
from gridengine.schedulers import GridEngineScheduler

NAME = "CUDA_VISIBLE_DEVICES"


WHAT = ("nothing granted", f"{NAME}=3", "SGE_HGR_gpu=1", "changed by the program")


def main():
    with (
        GridEngineScheduler() as nothing,
        GridEngineScheduler(native=f"-v {NAME}=3") as granted,
        GridEngineScheduler(native="-v SGE_HGR_gpu=1") as by_a_map,
    ):
        jobs = [
            gridengine.Job(target=os.getenv, args=(NAME,), scheduler=scheduler)
            for scheduler in (nothing, granted, by_a_map)
        ]
        for job in jobs:
            job.start()
        os.environ[NAME] = "0"
        jobs.append(gridengine.Job(target=os.getenv, args=(NAME,), scheduler=granted))
        jobs[-1].start()
        for what, job in zip(WHAT, jobs):
            print(f"{what:23}", job.result)


if __name__ == "__main__":
    main()
