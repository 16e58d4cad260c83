"""What the doctor's queue job runs on a node: whatever Python is there, without any package.

Its text is sent to the node; it is never imported there. So it needs the standard library alone,
and nothing newer than Python 3.6: another Python than the program's is something to find out.
"""

import json
import os
import select
import socket
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Found = dict[str, Any]

CONNECT = 4.0  # seconds for all addresses together
OTHERS = 1.5  # seconds for the others where one has answered
SEEN = 5.0  # seconds for a file to be seen


def main() -> int:
    """Looks around, and tells it by the folder and by the network; 3 if none of it is reached."""
    asked = json.loads(sys.argv[1])
    found = {"host": socket.gethostname(), "complete": False}  # type: Found
    found["instead"] = len(sys.argv) > 2
    found.update(facts())
    try:
        with open(os.path.join(asked["folder"], "asked"), encoding="utf-8") as file:
            asked.update(json.load(file))
        found["folder"] = True
    except (OSError, ValueError) as error:
        found["folder"] = False
        found["folder_error"] = str(error)
    write(asked, found)
    found["addresses"], line = connect(asked)
    if line is not None:
        found["clock"] = clock(asked, line)
        if found["folder"]:
            found["seen_after"] = seen_after(asked, line)
        send(line, asked, findings=found)
    elif found["folder"]:
        found["answered_after"] = answered_after(asked)
    write(asked, found)
    if found["folder"] and not found["instead"]:
        found.update(packages(asked))
    found["complete"] = True
    write(asked, found)
    if line is not None:
        send(line, asked, findings=found)
    return 3 if line is None else 0


def facts() -> "Found":
    """Returns what there is to know of this host and process."""
    found = {  # type: Found
        "python": "{} {}.{}.{}".format(sys.implementation.name, *sys.version_info[:3]),
        "executable": sys.executable,
        "uid": os.getuid(),
        "home": os.path.expanduser("~"),
        "home_there": os.path.isdir(os.path.expanduser("~")),
        "tmpdir": os.environ.get("TMPDIR", ""),
        "slots": os.environ.get("NSLOTS", ""),
        "queue": os.environ.get("QUEUE", ""),
        "umask": os.umask(0o077),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0,
    }
    os.umask(found["umask"])
    try:
        import resource

        limits = {
            name: resource.getrlimit(getattr(resource, "RLIMIT_" + name.upper()))[0]
            for name in ("as", "data", "cpu", "nofile", "nproc")
        }
        found["limits"] = {name: value for name, value in limits.items() if value >= 0}
        found["memory"] = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ImportError, AttributeError, ValueError, OSError):
        found["limits"] = {}
    return found


def write(asked: "Found", found: "Found") -> None:
    """Leaves what is known so far in the folder, if it is there."""
    path = os.path.join(asked["folder"], "found")
    if found["folder"]:
        try:
            with open(path + ".new", "w", encoding="utf-8") as file:
                json.dump(found, file)
            os.rename(path + ".new", path)
        except OSError as error:
            found["folder_error"] = str(error)


def connect(asked: "Found") -> "tuple[Found, socket.socket | None]":
    """Tries all addresses at once; returns what came of each, and a connection that answers."""
    results = {}  # type: Found
    waiting = {}  # type: dict[socket.socket, str]
    line = None
    begun = time.time()
    end = begun + CONNECT
    for endpoint in asked["endpoints"]:
        host, port = endpoint
        attempt = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        attempt.setblocking(False)
        code = attempt.connect_ex((host, port))
        results[host] = {"error": "no answer, as behind a firewall that drops"}
        if code in (0, 115, 36):  # EINPROGRESS of Linux and of macOS
            waiting[attempt] = host
        else:
            results[host] = {"error": os.strerror(code)}
    while waiting and time.time() < end:
        ready = select.select([], list(waiting), [], max(0.0, end - time.time()))[1]
        for attempt in ready:
            host = waiting.pop(attempt)
            code = attempt.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            if code:
                results[host] = {"error": os.strerror(code)}
                continue
            connected = time.time() - begun
            attempt.settimeout(CONNECT)
            results[host] = greet(asked, attempt, connected)
            if line is None and "error" not in results[host]:
                line = attempt
                end = min(end, time.time() + OTHERS)
    return results, line


def greet(asked: "Found", line: socket.socket, connected: float) -> "Found":
    """Returns how long it took until the program itself has answered."""
    try:
        begun = time.time()
        ask(line, asked, time=begun)
        return {"connected": connected, "answered": time.time() - begun}
    except (OSError, ValueError) as error:
        return {"error": "connected, but: " + str(error)}


def clock(asked: "Found", line: socket.socket) -> "float | None":
    """Returns by how many seconds this clock is ahead of the program's; the best of three."""
    best = None  # type: tuple[float, float] | None
    for _ in range(3):
        try:
            sent = time.time()
            there = ask(line, asked, time=sent)["time"]
            back = time.time()
        except (OSError, ValueError, KeyError):
            break
        if best is None or back - sent < best[0]:
            best = (back - sent, (sent + back) / 2 - there)
    return None if best is None else best[1]


def seen_after(asked: "Found", line: socket.socket) -> "float | None":
    """Returns the seconds until a file is seen here that the program has just written."""
    try:
        path = os.path.join(asked["folder"], ask(line, asked, file=1)["file"])
    except (OSError, ValueError, KeyError):
        return None
    begun = time.time()
    while time.time() < begun + SEEN:
        if os.path.exists(path):
            return time.time() - begun
        time.sleep(0.002)
    return None


def answered_after(asked: "Found") -> "float | None":
    """Returns the seconds until the program has answered a file with another one."""
    begun = time.time()
    try:
        with open(os.path.join(asked["folder"], "question"), "w", encoding="utf-8"):
            pass
        while time.time() < begun + SEEN:
            # A name may be taken for missing for long, but not in what is listed now.
            if "answer" in os.listdir(asked["folder"]):
                return time.time() - begun
            time.sleep(0.01)
    except OSError:
        pass
    return None


def packages(asked: "Found") -> "Found":
    """Returns what of the program's folders and packages is to be found here."""
    missing = [each for each in asked["sys_path"] if not os.path.exists(each)]
    found = {"missing": missing}  # type: Found
    try:
        os.chdir(asked["cwd"])
    except OSError as error:
        found["cwd_error"] = str(error)
    os.chdir("/")
    sys.path[:] = asked["sys_path"]
    versions = found["versions"] = {}
    begun = time.time()
    for name in asked["packages"]:
        try:
            module = __import__(name)
            versions[name] = str(getattr(module, "__version__", "?"))
        except Exception as error:
            versions[name] = ""
            found.setdefault("import_errors", {})[name] = f"{type(error).__name__}: {error}"
    found["import_seconds"] = time.time() - begun
    return found


def ask(line: socket.socket, asked: "Found", **question: object) -> "Found":
    """Sends a line, and returns what the program answers."""
    send(line, asked, **question)
    answer = b""
    while not answer.endswith(b"\n"):
        part = line.recv(4096)
        if not part or len(answer) > 65536:
            raise ValueError("what is there does not answer as the program does")
        answer += part
    return dict(json.loads(answer.decode()))


def send(line: socket.socket, asked: "Found", **told: object) -> None:
    """Sends a line."""
    told["token"] = asked["token"]
    line.sendall(json.dumps(told).encode() + b"\n")


if __name__ == "__main__":
    sys.exit(main())
