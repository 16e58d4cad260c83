"""The graphics processors of this computer, and which of its workers has which of them."""

from __future__ import annotations

import os
import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Seconds for which ``nvidia-smi`` is waited: the driver of a host with many devices takes one.
_PATIENCE = 20.0

#: What a program may be told to use of them, the last word first: what HIP is told it counts among
#: the devices that ROCR leaves.
_VARIABLES = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES")

_GPU = re.compile(r"GPU (\d+): .*\(UUID: (GPU-[\w-]+)\)")
_MIG = re.compile(r"\s+MIG .*\(UUID: (MIG-[\w/-]+)\)")


def shares(gpus_per_worker: float, workers: int | None) -> list[dict[str, str]]:
    """Returns the variables with the devices of each worker.

    Args:
        gpus_per_worker: How many each has, or which part of one.
        workers: How many of them there are to be, None for as many as there are devices for.

    Raises:
        TypeError, ValueError: So many cannot be had.
    """
    each, together = _checked(gpus_per_worker)
    name, devices, source = _visible(os.environ)
    if not devices:
        raise ValueError(
            f"gpus_per_worker={gpus_per_worker:g}, but there is no GPU: {source}; leave it out, or "
            "say which there are (CUDA_VISIBLE_DEVICES=0,1)"
        )
    most = len(devices) // each * together
    if not most or (workers or 0) > most:
        needed = each if workers is None else -(-workers // together) * each
        raise ValueError(
            f"gpus_per_worker={gpus_per_worker:g} needs {_counted(needed)}"
            f"{'' if workers is None else f' for max_workers={workers}'}, and there are "
            f"{len(devices)} by {source}"
        )
    parts = [devices[at : at + each] for at in range(0, len(devices) - each + 1, each)]
    # The first ones each have one of their own, as far as there are any.
    every = [{name: ",".join(part)} for _ in range(together) for part in parts]
    return every if workers is None else every[:workers]


def _checked(wanted: object) -> tuple[int, int]:
    """Returns how many devices each worker has, and how many workers share these."""
    if isinstance(wanted, bool) or not hasattr(wanted, "__float__"):
        raise TypeError(f"gpus_per_worker is {wanted!r}; it takes a number, such as 1 or 0.5")
    number = float(wanted)
    if 0 < number < 1:
        # 0.1 has no exact value, and 1 / 0.1 is 10 by good luck alone.
        return 1, int(1 / number + 1e-9)
    if not number >= 1 or number != int(min(number, 1e6)):
        raise ValueError(
            f"gpus_per_worker is {wanted!r}; it takes a whole number from 1, or a part of one GPU, "
            "such as 0.5"
        )
    return int(number), 1


def _visible(environ: Mapping[str, str]) -> tuple[str, Sequence[str], str]:
    """Returns the variable that names devices, those that there are, and who says so."""
    for name in _VARIABLES:
        if name in environ:
            return name, _listed(environ[name]), f"{name}={environ[name]}"
    return _VARIABLES[0], *_found()


def _listed(value: str) -> list[str]:
    devices: list[str] = []
    for word in map(str.strip, value.split(",")):
        # CUDA uses those before the first that is none (CUDA C++ Programming Guide, "CUDA
        # Environment Variables"); and one that is named twice is no second one.
        if not re.fullmatch(r"\d+|(?:GPU|MIG)-[\w/-]+", word) or word in devices:
            break
        devices.append(word)
    return devices


def _found() -> tuple[Sequence[str], str]:
    """Returns the devices that ``nvidia-smi -L`` lists, and what to say of that."""
    import shutil
    import subprocess

    path = shutil.which("nvidia-smi")
    if path is None:
        return (), "nvidia-smi is not found"
    try:
        said = subprocess.run(  # noqa: S603  # the driver's own
            [path, "-L"], capture_output=True, text=True, errors="replace", timeout=_PATIENCE
        )
    except subprocess.TimeoutExpired:
        return (), f"nvidia-smi -L has not answered in {_PATIENCE:g} s"
    except OSError as error:
        return (), f"nvidia-smi cannot be run ({error.strerror})"
    devices = parsed(said.stdout)
    text = " ".join((said.stderr or said.stdout).split())[:200]
    return devices, "nvidia-smi -L" if devices else f"nvidia-smi -L says {text!r}"


def parsed(said: str) -> list[str]:
    """Returns the devices in what ``nvidia-smi -L`` has said, as CUDA takes them.

    They are numbers; where one is parted (MIG), its parts can only be had by name, and then all
    others are named, too.
    """
    numbers: list[str] = []
    names: list[list[str]] = []
    for line in said.splitlines():
        if found := _GPU.match(line):
            numbers.append(found[1])
            names.append([found[2]])
        elif names and (found := _MIG.match(line)):
            names[-1].append(found[1])
    if all(len(each) == 1 for each in names):
        return numbers
    return [name for each in names for name in (each[1:] or each)]


def _counted(number: int) -> str:
    return "1 GPU" if number == 1 else f"{number} GPUs"
