"""The DRMAA session process: a small program of its own, one for each open Grid Engine session.

It is apart from the user's program because libdrmaa needs an environment that can be set only
before a process starts, because there is one DRMAA session to a process, whose calls block, and
because a program that was killed cannot delete its own queue jobs: this one lives on for a
moment and does it::

    the user's program                    the session process
    ┌────────────────────┐    Hello      ┌──────────────────────────────────────────┐
    │ GridEngineSession  │    Submit     │  reader ─▶ inbox ─▶ program ── DRMAA ──▶ │ qmaster
    │                    │──▶ Delete ───▶│  (notices            │ │               │
    │                    │    Close      │   the end of         │ ├▶ QacctReader ▶ │ qacct
    │                    │               │   the other side)    │ └▶ QstatReader ▶ │ qstat
    │                    │◀─ messages ───│  writer ◀────────────┘                   │
    └────────────────────┘               └──────────────────────────────────────────┘

Every call of DRMAA is made in the main thread, `program`: the library has one buffer for its
error texts. The other threads only read, write and run the Grid Engine's commands.

The modules import the standard library, ``drmaa``, each other, and of the rest of the package what
is known of processes and private files, all relatively: the program starts without its lobby.
"""
