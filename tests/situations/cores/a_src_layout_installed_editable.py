"""A project with a src layout, installed with `pip install -e`, from another folder.

On: cores
Slow: installs a project
Needs: pip, setuptools, wheel

$ python a_src_layout_installed_editable.py
installed
$ mkdir elsewhere && cd elsewhere && ../venv/bin/python -m brewery
['ale of hops', 'stout of hops']
$ cd elsewhere && ../venv/bin/brew
['ale of hops', 'stout of hops']
"""

import site
import subprocess
import sys
import venv
from pathlib import Path

venv.create("venv", system_site_packages=True, with_pip=False)
python = Path("venv/bin/python").absolute()
# What this Python's own environment has, the new one has too: gridengine, pip and setuptools.
(packages,) = Path("venv/lib").glob("python*/site-packages")
lines = [f"import site; site.addsitedir({folder!r})\n" for folder in site.getsitepackages()]
(packages / "outer.pth").write_text("".join(lines))
subprocess.run(
    [python, "-m", "pip", "install", "-q", "--no-build-isolation", "--no-index", "-e", "project"],
    check=True,
    stdout=sys.stderr,
)
print("installed")
