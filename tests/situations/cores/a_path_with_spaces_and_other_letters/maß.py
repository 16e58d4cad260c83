"""A module whose name is not ASCII."""


def with_unit(x):
    return f"{x} Öre"
