"""Handlers of a FastAPI application map: plain ones, and coroutines by a thread.

On: cores
Needs: fastapi, uvicorn, httpx

$ python a_fastapi_handler.py
{'squares': [0, 1, 4]}
{'points': [{'x': 1, 'y': 2}, {'x': 2, 'y': 1}]}
"""

import asyncio
import threading

import fastapi
import httpx
import pydantic
import uvicorn

import gridengine

app = fastapi.FastAPI()


class Point(pydantic.BaseModel):
    x: int
    y: int


def mirrored(point):
    return Point(x=point.y, y=point.x)


@app.get("/squares/{count}")
def squares(count: int):
    return {"squares": gridengine.map(lambda x: x * x, range(count))}


@app.post("/mirror")
async def mirror(points: list[Point]):
    return {"points": await asyncio.to_thread(gridengine.map, mirrored, points)}


if __name__ == "__main__":
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="warning"))
    thread = threading.Thread(target=server.run)
    started = threading.Event()
    startup = server.startup

    async def started_up(sockets=None):
        await startup(sockets)
        started.set()

    server.startup = started_up
    thread.start()
    started.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    print(httpx.get(f"{address}/squares/3", timeout=30).json())
    body = [{"x": 2, "y": 1}, {"x": 1, "y": 2}]
    print(httpx.post(f"{address}/mirror", json=body, timeout=30).json())
    server.should_exit = True
    thread.join()
