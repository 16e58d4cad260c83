"""Tracebacks of jobs show what was typed, where Python keeps it: after `-c` and at its prompt.

Those of a program in an archive show its lines on every Python.

On: cores

$ python source_lines_at_prompts.py
after -c: True
at the prompt: True
in a zipapp: True
"""

import os
import pathlib
import pty
import subprocess
import sys
import zipapp

FAILURE = """
import gridengine
def share(x):
    return 1 / x

try:
    gridengine.map(share, [0])
except ZeroDivisionError as error:
    print(str(error.__cause__))

"""


def told(*arguments, **options):
    command = [sys.executable, *arguments]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, **options).stdout


def told_at_the_prompt():
    # A terminal that can do nothing: the prompt is the plain one.
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "dumb", "PYTHON_COLORS": "0"}
    program = subprocess.Popen(
        [sys.executable, "-q"], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=environment,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, FAILURE.encode() + b"exit()\n")
    text = program.communicate()[0]
    os.close(ours)
    return text


def shows_the_line(text):
    return "ZeroDivisionError" in text and "\n    return 1 / x" in text


if __name__ == "__main__":
    kept = sys.version_info >= (3, 13)
    print("after -c:", shows_the_line(told("-c", FAILURE)) == kept)
    print("at the prompt:", shows_the_line(told_at_the_prompt()) == kept)
    folder = pathlib.Path("packed")
    folder.mkdir()
    (folder / "__main__.py").write_text(FAILURE)
    zipapp.create_archive(folder, "packed.pyz")
    print("in a zipapp:", shows_the_line(told("packed.pyz")))
