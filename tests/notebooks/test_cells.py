"""Functions and classes of cells, edited modules, awaiting, and what failures look like."""

from __future__ import annotations

import inspect
import re

import pytest

import gridengine

from .kernel import Kernel


def test_a_function_that_a_later_cell_defines_anew_is_the_new_one(kernel: Kernel) -> None:
    kernel.value("FACTOR = 2\ndef times(x):\n    return x * FACTOR")
    kernel.value("def both(x):\n    return x, times(x)")
    assert kernel.value("gridengine.map(both, [1, 2])") == "[(1, 2), (2, 4)]"
    kernel.value("def times(x):\n    return x * FACTOR * 10")
    assert kernel.value("gridengine.map(both, [1, 2])") == "[(1, 20), (2, 40)]"
    kernel.value("FACTOR = 3")
    assert kernel.value("gridengine.map(both, [1, 2])") == "[(1, 30), (2, 60)]"


def test_objects_of_a_class_of_a_cell_come_back_as_of_that_class(kernel: Kernel) -> None:
    kernel.value(
        "class Point:\n"
        "    def __init__(self, x): self.x = x\n"
        "    def moved(self): return Point(self.x + 1)"
    )
    kernel.value("points = gridengine.map(Point.moved, [Point(1), Point(2)])")
    assert kernel.value("[type(p) is Point for p in points], [p.x for p in points]") == (
        "([True, True], [2, 3])"
    )


def test_a_class_that_is_defined_anew_has_its_new_methods(kernel: Kernel) -> None:
    kernel.value("class Shape:\n    def area(self): return 1\ndef area(shape): return shape.area()")
    assert kernel.value("gridengine.map(area, [Shape()])") == "[1]"
    kernel.value("old = Shape()\nclass Shape:\n    def area(self): return 22")
    # An object keeps the class that it was made of, as it does without workers.
    assert kernel.value("gridengine.map(area, [Shape(), old])") == "[22, 1]"


def test_a_module_that_is_edited_is_the_edited_one_with_autoreload(kernel: Kernel) -> None:
    module = kernel.folder / "taxes.py"
    module.write_text("def tax(x):\n    return x + 1\n")
    kernel.value("%load_ext autoreload\n%autoreload 2\nimport taxes")
    assert kernel.value("gridengine.map(taxes.tax, [1, 2])") == "[2, 3]"
    module.write_text("RATE = 100\ndef tax(x):\n    return x + RATE\n")
    assert kernel.value("gridengine.map(taxes.tax, [1, 2])") == "[101, 102]"
    # As a function of a cell calls it.
    module.write_text("RATE = 1000\ndef tax(x):\n    return x + RATE  # more\n")
    assert kernel.value("gridengine.map(lambda x: taxes.tax(x), [1, 2])") == "[1001, 1002]"


def test_a_cell_may_await_in_the_loop_of_the_kernel(kernel: Kernel) -> None:
    assert kernel.value("await gridengine.aio.map(lambda x: x * x, [1, 2, 3])") == "[1, 4, 9]"
    assert kernel.value("async for x in gridengine.aio.imap(abs, [-1, -2]): print(x)") == "1\n2\n"
    assert (
        kernel.value("job = gridengine.Job(target=pow, args=(2, 5)); job.start(); await job")
        == "32"
    )


def test_the_traceback_of_a_failure_shows_the_lines_of_the_cells(kernel: Kernel) -> None:
    kernel.value("def share(total, parts):\n    # of a cake\n    return total / parts")
    failed = kernel.run(
        "def each(parts):\n    return share(1, parts)\ngridengine.map(each, [1, 0])"
    )
    assert failed.error == "ZeroDivisionError"
    told = failed.traceback
    lines = [line.strip() for line in told.splitlines()]
    assert "return share(1, parts)" in lines
    assert "return total / parts" in lines
    # The cell itself, as of any failure.
    assert re.search(r"^-+> 3 gridengine\.map\(each", told, re.MULTILINE), told


@pytest.mark.skipif(
    "progress" not in inspect.signature(gridengine.map).parameters, reason="maps show no progress"
)
def test_progress_is_a_widget(kernel: Kernel) -> None:
    for library in ("tqdm", "ipywidgets"):
        pytest.importorskip(library)
    outputs = kernel.run("gridengine.map(abs, range(-20, 0), progress=True)[:3]")
    assert not outputs.error, outputs.traceback
    assert outputs.text.endswith("[20, 19, 18]")
    assert "application/vnd.jupyter.widget-view+json" in outputs.kinds


def test_a_failure_is_not_told_by_the_frames_of_this_package(kernel: Kernel) -> None:
    failed = kernel.run("gridengine.map(lambda x: 1 / x, [1, 0])")
    frames = re.findall(r"^File .*gridengine/client/\w+\.py", failed.traceback, re.MULTILINE)
    # The last one is always shown.
    assert len(frames) <= 1, failed.traceback
