"""The program in the archive."""

import greeting

import gridengine


def greet(name):
    return greeting.of(name)


if __name__ == "__main__":
    print(gridengine.map(greet, ["Ada", "Bob"]))
