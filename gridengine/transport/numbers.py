"""The numbers in messages, with the bounds in which the host can reckon with them."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

Count = Annotated[int, Meta(ge=0)]
"""A number, an index or a position."""

Seconds = Annotated[float, Meta(ge=0, le=1e12)]
"""A duration: neither infinite nor no number."""
