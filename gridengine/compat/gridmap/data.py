"""Objects to compressed bytes and back."""

from __future__ import annotations

import bz2
import io
import pickle
from typing import Any

from ...errors import PackingError
from ...serialization.serializer import Pickler, patient


def zdumps(obj: Any) -> bytes:
    """Returns an object pickled and compressed (bz2).

    Functions and classes that another process could not import travel by value.

    Raises:
        PackingError: Something in it cannot be pickled.
    """
    try:
        pickled = _pickled(Pickler, obj)
    except Exception:
        try:
            pickled = _pickled(patient(Pickler), obj)
        except Exception as error:
            raise PackingError(f"an object cannot be pickled: {error}") from error
    return bz2.compress(pickled)


def _pickled(pickler: type[pickle.Pickler], obj: Any) -> bytes:
    buffer = io.BytesIO()
    pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(obj)
    return buffer.getvalue()


def zloads(data: bytes) -> Any:
    """Returns the object that `zdumps` was given; the bytes must come from somebody you trust."""
    return pickle.loads(bz2.decompress(data))
