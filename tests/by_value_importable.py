"""A module that a worker can import; for by_value_modules.py."""

SHARED: list = []


def getter():
    def get():
        return SHARED

    return get
