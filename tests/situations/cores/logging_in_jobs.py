"""A program that sets up logging, and jobs that log.

On: cores

$ python logging_in_jobs.py
INFO:shop:the program begins
a job warns: apples
WARNING:shop:jobs' own set-up
[1]
INFO:shop:the program ends
"""

import logging

import gridengine

log = logging.getLogger("shop")


def warn(x):
    # Python's last resort: nobody has set up logging in this process.
    log.warning("a job warns: %s", x)
    log.info("not heard: %s", x)


def set_up(x):
    logging.basicConfig(level=logging.INFO)
    log.warning("jobs' own set-up")
    return x


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("gridengine").setLevel(logging.WARNING)
    log.info("the program begins")
    with gridengine.schedulers.ProcessScheduler(1) as one:
        gridengine.map(warn, ["apples"], scheduler=one)
        print(gridengine.map(set_up, [1], scheduler=one), flush=True)
    log.info("the program ends")
