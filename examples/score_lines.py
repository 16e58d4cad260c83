"""A function for lines of a file: how often each word of a text stands there.

    echo '{"name": "a", "text": "to be or not"}' | gridengine map examples/score_lines.py:score

prints ``{"name": "a", "words": {"to": 1, "be": 1, "or": 1, "not": 1}}``. Nothing in it is
gridengine's; run as a program, it does the same for its arguments, with `gridengine.imap`.
"""

import collections
import json
import sys

import gridengine


def score(record: dict[str, str]) -> dict[str, object]:
    words = collections.Counter(record["text"].split())
    return {"name": record["name"], "words": words}


if __name__ == "__main__":
    records = [{"name": str(place), "text": text} for place, text in enumerate(sys.argv[1:], 1)]
    for scored in gridengine.imap(score, records):
        print(json.dumps(scored))
