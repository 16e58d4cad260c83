"""A script for functions that are known by their names alone."""

from __future__ import annotations

from collections.abc import Mapping

from ...queue_pools.script import script_of_module


def make_worker_node_script(func_module: str, func_name: str, environ: Mapping[str, str]) -> str:
    """Returns the text of a program whose argument is a chunk's file.

    It sets the environment, imports the function, and writes the results beside the chunk.
    """
    return script_of_module(None, func_module, func_name, environ)
