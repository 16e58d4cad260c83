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


def show(what, scheduler):
    print(f"{what:23}", *gridengine.map(os.getenv, [NAME], scheduler=scheduler))


if __name__ == "__main__":
    with GridEngineScheduler() as scheduler:
        show("nothing granted", scheduler)
    with (
        GridEngineScheduler(native="-v SGE_HGR_gpu=1") as scheduler,
        GridEngineScheduler(native=f"-v {NAME}=3") as other,
    ):
        show(f"{NAME}=3", other)
        show("SGE_HGR_gpu=1", scheduler)
        os.environ[NAME] = "0"
        show("changed by the program", other)
