"""A module that a worker can import; for modules.py."""

SHARED: list = []


def getter():
    def get():
        return SHARED

    return get
