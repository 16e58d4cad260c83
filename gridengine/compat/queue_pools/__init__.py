"""Pools whose calls lie in a folder, a file for each chunk: what two predecessors have in common.

`gridengine.compat.queue_map_reduce` and `gridengine.compat.pypoolparty` are its two faces. By
``mode="workers"`` the calls are gridengine's own; by ``mode="protocol"`` each chunk is a queue job,
which reads and writes files and talks to nobody, so that it outlives the program::

    FolderPool.map ──▶ WorkDir (function, chunks) ──▶ ProtocolRun ──▶ GridEngineQueue, SlurmQueue
                          ▲                                                  │ one job each chunk
                          └────────────── results, failures ◀──────────── node.main
"""
