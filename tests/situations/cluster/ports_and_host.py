"""A site may say by which of its addresses, and by which ports, workers reach the program.

$ GRIDENGINE_PORTS=54000-54010 python ports_and_host.py
[1, 4] True
$ GRIDENGINE_HOST=10.77.0.1 python ports_and_host.py
[1, 4] True
$ GRIDENGINE_HOST=eth0 GRIDENGINE_PORTS=54011 python ports_and_host.py
[1, 4] True
$ GRIDENGINE_PORTS=many python ports_and_host.py 2>&1 | tail -1
gridengine.errors.GridEngineError: GRIDENGINE_PORTS is 'many'; it takes one port or a range such as 54000-55000
$ python -c 'import socket; print(socket.gethostbyname(socket.gethostname())[:4])'
127.
"""

import os

import psutil

import gridengine


def square(x):
    return x * x


if __name__ == "__main__":
    with gridengine.schedulers.GridEngineScheduler(max_workers=1) as scheduler:
        values = gridengine.map(square, [1, 2], scheduler=scheduler)
        ports = {
            connection.laddr.port
            for connection in psutil.Process().net_connections("tcp")
            if connection.status == psutil.CONN_LISTEN
        }
    first, _, last = os.environ.get("GRIDENGINE_PORTS", "1-65535").partition("-")
    print(values, all(int(first) <= port <= int(last or first) for port in ports) and bool(ports))
