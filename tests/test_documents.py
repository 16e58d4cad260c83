"""How the code is taken out of a document."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from . import documents

PAGE = """\
# A page

```python
x = 1
```

Between them.

```python cluster
x = 2
```

```python no-run
x = no.such.name
```

- In a list:

  ```python
  y = x + 1
  ```

```pycon
>>> y
2
```

```text printed
three
```

```text
four
```

```sh
FIRST=1 scripts/docs -j 2   # a comment
```
"""


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "page.md"
    path.write_text(PAGE, encoding="utf-8")
    return path


def run(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)


def test_each_block_is_at_the_line_that_it_has_in_its_document(page: Path) -> None:
    lines = documents.program(documents.blocks(page), "").splitlines()
    assert lines[PAGE.splitlines().index("x = 1")] == "x = 1"
    assert lines[PAGE.splitlines().index("  y = x + 1")] == "y = x + 1"


def test_what_is_for_a_cluster_or_for_nobody_is_left_out(page: Path) -> None:
    blocks = documents.blocks(page)
    assert "x = 2" not in documents.program(blocks, "")
    assert "x = 2" in documents.program(blocks, "", "cluster")
    assert "no.such" not in documents.program(blocks, "", "cluster")


def test_a_session_has_to_say_what_is_said(page: Path) -> None:
    code = documents.program(documents.blocks(page), "")
    assert run(code).returncode == 0
    done = run(code.replace("y = x + 1", "y = x + 2"))
    assert done.returncode != 0
    assert "Got:\n    3" in done.stdout


def test_only_what_is_said_to_be_printed_has_to_be_printed(page: Path) -> None:
    assert documents.printed(documents.blocks(page)) == "three\n"


def test_commands_come_without_comments(page: Path) -> None:
    assert [["FIRST=1", "scripts/docs", "-j", "2"]] == list(
        documents.commands(documents.blocks(page))
    )


def test_libraries_that_are_not_everywhere_are_told_by_their_imports() -> None:
    code = "import numpy as np\nif x:\n    from sklearn.svm import SVC\nimport gridengine, os\n"
    assert documents.libraries(code) == {"numpy", "sklearn"}
