"""The session process: a small program of its own, one for each open session of a batch system.

It is apart from the user's program because a batch system's library may need an environment that
can be set only before a process starts, because its calls block, and because a program that was
killed cannot delete its own queue jobs: this one lives on for a moment and does it::

    the user's program                    the session process
    ┌────────────────────┐    Hello      ┌──────────────────────────────────────────────┐
    │ QueueSession       │    Submit     │  reader ─▶ inbox ─▶ program ─────────────────┼▶ submit
    │                    │──▶ Delete ───▶│  (notices            │ │                   │  delete
    │                    │    Close      │   the end of         │ ├▶ AccountReader ───┼▶ accounts
    │                    │               │   the other side)    │ └▶ QueueReader ─────┼▶ states
    │                    │◀─ messages ───│  writer ◀────────────┘                     │
    └────────────────────┘               └──────────────────────────────────────────────┘

Which batch system it is says `Hello`: the arrows on the right are methods of a
`batch_system.BatchSystem`. What submits, deletes and tells of ends is called in the main thread,
`program`, alone, as DRMAA needs it: that library has one buffer for its error texts. The other
threads only read, write and run the batch system's commands.

The modules import the standard library, each other, and of the rest of the package what is known
of processes and private files, all relatively: the program starts without its lobby.
"""
