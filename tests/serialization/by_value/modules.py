"""What is of a module that a worker cannot import; run by test_by_value.py."""

import importlib.util
import json
import os
import sys
import tempfile
import types

import importable
import pytest
from harness import call, echo, report


def load_module(name, text, registered):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "plugin.py")
        with open(path, "w") as file:
            file.write(text)
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        if registered:
            sys.modules[name] = module
        spec.loader.exec_module(module)
    return module


PLUGIN = """
import math
STATE = {}
def sine(x): return math.sin(x) + helper(0)
def helper(x): return x
def put(x): STATE["x"] = x
def get(): return STATE["x"], __name__
class Thing:
    def __init__(self, x): self.x = x
    def get(self): return helper(self.x)
"""


def case_module_from_a_path():
    for registered in (True, False):
        plugin = load_module(f"plugin_{registered}", PLUGIN, registered)
        assert call(plugin.sine, 0) == 0
        assert call(plugin.Thing(4).get) == 4
        assert type(echo(plugin.Thing(4))) is plugin.Thing
        if registered:
            call(plugin.put, 1)
            assert call(plugin.get) == (1, plugin.__name__)
            assert plugin.STATE == {}


def case_module_made_by_hand():
    module = types.ModuleType("by_hand")
    exec("LIMIT = 5\ndef low(x): return x < LIMIT\nclass C: limit = LIMIT", vars(module))
    assert call(module.low, 3) is True
    assert isinstance(echo(module.C()), module.C)
    sys.modules["by_hand"] = module
    assert call(module.low, 7) is False
    assert echo(module.C).limit == 5
    del sys.modules["by_hand"]


def case_module_by_hand_in_a_package():
    module = types.ModuleType("gridengine.by_hand")
    exec("def low(x): return x < 5\n", vars(module))
    sys.modules["gridengine.by_hand"] = module
    assert call(module.low, 3) is True
    del sys.modules["gridengine.by_hand"]


def case_module_cannot_travel():
    module = types.ModuleType("by_hand")
    with pytest.raises(TypeError) as caught:
        call(lambda: module)
    assert "its variable 'module' (<module 'by_hand'>)" in str(caught.value)
    assert "'by_hand' cannot be imported" in str(caught.value)


def case_namespaces_of_exec_stay_apart():
    first: dict = {}
    second: dict = {}
    exec("K = 1\ndef get(): return K\ndef put():\n global K\n K = 9\n", first)
    exec("K = 2\ndef get(): return K\n", second)

    def use(get, other, put):
        put()
        return get(), other()

    assert call(use, first["get"], second["get"], first["put"]) == (9, 2)
    assert first["get"]() == 1


def case_local_function_of_an_installed_module():
    # It must see its own module's globals, not copies.
    def use(get):
        importable.SHARED.append(1)
        return get() is importable.SHARED

    assert call(use, importable.getter()) is True


def case_monkeypatched():
    original = json.dumps
    json.dumps = lambda *_: "patched"
    try:
        assert call(original, [1]) == "[1]"
        assert call(lambda f: f(1), json.dumps) == "patched"
    finally:
        json.dumps = original


if __name__ == "__main__":
    report(dict(globals()))
