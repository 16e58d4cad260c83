"""What jobs log is handled as the program has set up logging; what they set up themselves, by them.

On: cores, cluster

$ python logging_in_jobs.py
INFO:shop:the program begins
WARNING:shop:a job warns: apples
INFO:shop:heard too: apples
[1]
INFO:shop:the program ends
$ cat own.log
WARNING:shop:jobs' own set-up
"""

import logging

import gridengine

log = logging.getLogger("shop")


def warn(x):
    # Nobody has set up logging in this process.
    log.warning("a job warns: %s", x)
    log.info("heard too: %s", x)
    log.debug("not heard: %s", x)


def set_up(x):
    logging.basicConfig(filename="own.log")
    log.warning("jobs' own set-up")
    return x


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    logging.getLogger("gridengine").setLevel(logging.WARNING)
    log.info("the program begins")
    gridengine.map(warn, ["apples"])
    print(gridengine.map(set_up, [1]), flush=True)
    log.info("the program ends")
