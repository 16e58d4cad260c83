"""Slurm as the session process uses it: its commands, and what is made of what they print.

The modules import the standard library, each other and the session process's, all relatively: that
starts without the package's lobby.
"""
