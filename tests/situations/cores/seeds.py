"""Random numbers in jobs: one seed for each call gives the same numbers, wherever it runs.

The program's own seed is not that of its workers, and a generator that a function closes over
begins anew in each of them: both are in docs/what-follows.md, with the ways that are here.

On: cores, cluster
Needs: numpy

$ python seeds.py
random: the same again True, all different True
numpy: the same again True, all different True
a generator for each call: the same again True, all different True
"""

import random

import numpy as np

import gridengine


def with_random(seed):
    return random.Random(seed).random()


def with_numpy(seed):
    return np.random.default_rng(seed).normal()


def walk(generator, steps):
    return generator.normal(size=steps).sum()


def show(what, once, again):
    print(f"{what}: the same again {once == again}, all different {len(set(once)) == len(once)}")


def main():
    numbers = random.Random(1)
    seeds = [numbers.getrandbits(64) for _ in range(100)]
    show(
        "random",
        gridengine.map(with_random, seeds),
        gridengine.map(with_random, reversed(seeds))[::-1],
    )

    seeds = np.random.SeedSequence(1).spawn(100)
    show("numpy", gridengine.map(with_numpy, seeds), gridengine.map(with_numpy, seeds, chunksize=7))

    def generators():
        return np.random.default_rng(1).spawn(100)

    walks = [gridengine.map(walk, generators(), [50] * 100) for _ in range(2)]
    show("a generator for each call", *walks)


if __name__ == "__main__":
    main()
