"""Functions that are known again by what is in them: large ones travel once to each worker.

The program may change an array between two maps, and while one is going on. So what travels is a
copy, and its name a digest of that very copy: a worker that has kept it has the same.
"""

from __future__ import annotations

from ..settings import FUNCTION_BYTES
from .packed import Function


def by_content(function: Function) -> Function:
    """Returns a function with large frames such that workers may keep it for the next map.

    One that is larger than what a worker keeps is returned as it is.
    """
    sizes = [memoryview(frame).nbytes for frame in function.frames]
    if sum(sizes) + len(function.payload) > FUNCTION_BYTES:
        return function
    # Only here: it loads OpenSSL, which takes as long as a quarter of all imports.
    import hashlib

    # On most processors of today three times as fast as its younger rivals.
    digest = hashlib.sha256(repr((len(function.payload), sizes)).encode())
    digest.update(function.payload)
    frames = [memoryview(bytes(frame)) for frame in function.frames]
    for frame in frames:
        digest.update(frame)
    return function._replace(frames=frames, content=digest.digest())
