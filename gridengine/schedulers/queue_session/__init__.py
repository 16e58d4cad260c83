"""A session with a batch system that has queue jobs: the program's end, and the process at its own.

The user's program never talks to a batch system itself: `queue_session.process` is a process of
its own, and here is the other end of its pipe.
"""
