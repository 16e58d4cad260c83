"""Locks, open files, generators, sockets are refused before anything runs; it says which and where.

On: cores, cluster

$ python what_cannot_travel.py
lock: TypeError, says where: True
file: TypeError, says where: True
generator: TypeError, says where: True
socket: TypeError, says where: True
in an argument: TypeError, says where: True
result: TypeError, says where: True
and the next map: [1, 4]
"""

import socket
import threading

import gridengine


def refusal(name, f, *iterables, words):
    try:
        gridengine.map(f, *iterables)
    except gridengine.PackingError as error:
        told = " ".join(str(error).split())
        right = isinstance(error, TypeError) and all(word in told for word in words)
        print(f"{name}: TypeError, says where: {right or told}")
    else:
        print(f"{name}: not refused")


def main():
    lock = threading.Lock()
    lines = (line for line in "ab")
    with open(__file__) as file, socket.socket() as open_socket:
        refusal("lock", lambda x: lock.locked(), [1], words=["lock"])
        refusal("file", lambda x: file.read(), [1], words=["file"])
        refusal("generator", lambda x: next(lines), [1], words=["lines", "generator"])
        refusal("socket", lambda x: open_socket.send(b""), [1], words=["open_socket", "socket"])
        refusal("in an argument", len, [{"a": [1, lock]}], words=["['a'][1]", "lock"])
    refusal("result", lambda x: {"here": open(__file__)}, [1], words=["here"])
    print("and the next map:", gridengine.map(lambda x: x * x, [1, 2]))


if __name__ == "__main__":
    main()
