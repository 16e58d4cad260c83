"""Functions that are known again by what is in them: large ones travel once to each worker."""

from __future__ import annotations

from ..settings import FUNCTION_BYTES
from ..transport.shared_memory import Scattered
from .packed import Function


def by_content(function: Function) -> Function:
    """Returns a function with large frames such that workers may keep it for the next map.

    One that is larger than what a worker keeps is returned as it is.

    Args:
        function: Its frames must be copies: the program may change an array between two maps, and
            while one is going on, and a worker shall have what the name was made of.
    """
    sizes = [frame.nbytes for frame in function.frames]
    if sum(sizes) + len(function.payload) > FUNCTION_BYTES:
        return function
    # Only here: it loads OpenSSL, which takes as long as a quarter of all imports.
    import hashlib

    # On most processors of today three times as fast as its younger rivals.
    digest = hashlib.sha256(repr((len(function.payload), sizes)).encode())
    digest.update(function.payload)
    for frame in function.frames:
        for part in frame.parts if type(frame) is Scattered else (frame,):
            digest.update(part)
    return function._replace(content=digest.digest())
