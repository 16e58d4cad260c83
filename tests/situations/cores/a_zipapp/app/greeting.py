"""A module in the archive."""


def of(name):
    return f"Hello, {name}!"
