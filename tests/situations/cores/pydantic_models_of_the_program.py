"""Models of pydantic, with validators, that the program has defined.

Its ValidationError cannot be pickled, by nobody: what it says arrives.

On: cores, cluster
Needs: pydantic

$ python pydantic_models_of_the_program.py
[Order(fruit='pear', count=2, at=Address(town='Ulm')), Order(fruit='plum', count=4, at=None)]
UnpackingError, says why: True
"""

import pydantic

import gridengine


class Address(pydantic.BaseModel):
    """A model in a model."""

    town: str


class Order(pydantic.BaseModel):
    """A model with validators."""

    fruit: str
    count: int = 1
    at: Address | None = None

    @pydantic.field_validator("fruit")
    @classmethod
    def lower(cls, value):
        return value.lower()

    @pydantic.model_validator(mode="after")
    def positive(self):
        if self.count < 0:
            raise ValueError(f"{self.count} of {self.fruit}")
        return self


def doubled(order):
    return Order(fruit=order.fruit.upper(), count=2 * order.count, at=order.at)


if __name__ == "__main__":
    orders = [Order(fruit="Pear", at=Address(town="Ulm")), Order(fruit="PLUM", count=2)]
    print(gridengine.map(doubled, orders))
    try:
        gridengine.map(lambda count: Order(fruit="plum", count=count), [1, -1])
    except gridengine.UnpackingError as error:
        print("UnpackingError, says why:", "-1 of plum" in str(error))
