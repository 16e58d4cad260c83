"""A job that reads the command line finds the program's, as `argparse` does.

On: cores, cluster

$ python argparse_in_a_job.py --scale 3
[3, 6]
argparse_in_a_job.py
"""

import argparse
import os
import sys

import gridengine


def scaled(x):
    parser = argparse.ArgumentParser()
    parser.add_argument("--scale", type=int, default=1)
    return x * parser.parse_args().scale


if __name__ == "__main__":
    print(gridengine.map(scaled, [1, 2]))
    print(gridengine.map(lambda _: os.path.basename(sys.argv[0]), [0])[0])
