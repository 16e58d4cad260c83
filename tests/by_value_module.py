"""A module that a worker can import; for by_value_functions.py."""

SHARED: list = []


def getter():
    def get():
        return SHARED

    return get
