"""A handler of a Flask application maps, for several requests at once.

On: cores, cluster
Needs: flask

$ python a_flask_handler.py 2>/dev/null
{'squares': [0, 1, 4]}
{'squares': [0, 1]}
500
"""

import json
import threading
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import flask
from werkzeug.serving import make_server

import gridengine

app = flask.Flask(__name__)


@app.route("/squares/<int:count>")
def squares(count):
    return {"squares": gridengine.map(lambda x: x * x, range(count))}


@app.route("/wrong")
def wrong():
    return {"never": gridengine.map(lambda x: 1 / x, [0])}


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()

    def get(path):
        with urllib.request.urlopen(f"http://127.0.0.1:{server.port}{path}") as answer:
            return json.load(answer)

    with ThreadPoolExecutor() as pool:
        for answer in pool.map(get, ["/squares/3", "/squares/2"]):
            print(answer)
    try:
        get("/wrong")
    except urllib.error.HTTPError as error:
        print(error.code)
    server.shutdown()
