"""The Grid Engine as the session process uses it: by DRMAA, and by its commands.

The modules import the standard library, ``drmaa``, each other, and what the session process is
made of, all relatively: it starts without the package's lobby.
"""
