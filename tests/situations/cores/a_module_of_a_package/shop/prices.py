"""What the report knows of prices."""

PRICES = {"apples": 1.2, "pears": 1.5}
