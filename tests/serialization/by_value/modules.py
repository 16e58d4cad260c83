"""What is of a module that a worker cannot import; run by test_by_value.py."""

import importlib.util
import json
import os
import pickle
import sys
import tempfile
import threading
import types

import cloudpickle
import importable
import importable_database
import pytest
from harness import call, echo, report

import gridengine
from gridengine.serialization import serializer
from gridengine.serialization.functions import pack_function


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


def case_module_itself():
    module = types.ModuleType("by_hand")
    exec(PLUGIN, vars(module))
    module.itself = module

    def use():
        module.put(2)
        return module.get(), module.Thing(4).get(), module.itself is module, module.__name__

    assert call(use) == ((2, "by_hand"), 4, True, "by_hand")
    assert module.STATE == {}
    assert call(lambda: vars(module) is module.put.__globals__) is True
    assert echo(module).sine(0) == 0


def case_module_comes_back():
    plugin = load_module("plugin_back", PLUGIN, registered=True)

    def use():
        plugin.put(2)
        plugin.extra = 1
        return plugin

    assert call(use) is plugin
    assert plugin.STATE == {}


def case_module_with_what_cannot_travel():
    module = types.ModuleType("by_hand")
    # Each process has its own.
    module.lock, module.rlock = threading.Lock(), threading.RLock()
    module.file = open(__file__)  # noqa: SIM115
    with module.file, module.lock:
        assert call(lambda: (module.lock.acquire(blocking=False), module.rlock.acquire()))
        assert call(lambda: hasattr(module, "file")) is False
        exec("def use(): return file", vars(module))
        with pytest.raises(TypeError) as caught:
            call(lambda: module)
    message = str(caught.value)
    assert "its variable 'module'.use → its global 'file' (<_io.TextIOWrapper" in message


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
    # What the program has set at run time must hold; the worker's own module has None.
    try:
        for config in ({"set": "at run time"}, {"set": "again"}, 5, [], None):
            importable.CONFIG = config
            assert call(importable.getter()) == config
            assert call(importable.SHORT) == config
            assert call(importable.local_class().get) == config
            # It is the same module for all that runs there.
            assert call(importable.describe) == (config, "importable")
    finally:
        importable.CONFIG = None


def case_local_functions_of_an_installed_module_share():
    put, get = importable.counter()
    call(put, 3)
    assert call(get) == 3
    assert call(importable.count) == 3
    assert importable.COUNT == 0
    importable.COUNT = 1
    try:
        assert call(get) == 1
    finally:
        importable.COUNT = 0
    assert call(get) == 0


def case_what_an_installed_module_has_made_stays():
    looking = importable.looking()
    assert call(looking, "no such key") is True
    assert echo(importable.MISSING) is importable.MISSING
    # Defaults and classes hold it too.
    assert call(importable.with_default()) is True
    assert call(importable.held()) == (True, True)
    assert call(importable.local_class().is_missing) is True
    # What the module's functions put into a cache, the local ones find.
    assert call(importable.loading(), 2) == 4
    assert importable.CACHE == {}
    # One that cannot travel need not.
    assert call(importable_database.using_the_database(), 3) == 3
    assert call(importable.same_table()) is True


def case_objects_of_an_installed_module_that_took_the_place_of_none():
    use = importable.predicting()
    try:
        for factor in (2, 3):
            importable.MODEL = importable.Model(factor)
            assert call(use, 1) == factor
            assert call(importable.predict, 1) == factor
        importable.MODEL = None
        assert call(use, 1) is None
        importable.MODEL = importable_database.Database()
        # It cannot travel: the worker's own stays.
        assert call(use, 1) is None
        # A name that only the program has; objects that refer to each other.
        importable.LATER = importable.Model(5)
        importable.LATER.within = importable.later()
        assert call(importable.later()) == 5
    finally:
        importable.MODEL = None
        del importable.LATER


def case_many_functions_of_an_installed_module_that_use_each_other():
    # None of which can be imported; each is packed once.
    chain = importable.CHAIN
    assert call(chain) == 1
    assert len(serializer.pack(chain)[0]) < 50_000


def case_lock_of_an_installed_module():
    # Each process has its own.
    assert call(importable.locked(lambda x: x + 1), 1) == 2
    assert call(lambda: importable.LOCK.acquire(blocking=False)) is True


def case_registered_by_value():
    function, cls = importable.describe, importable.Described
    importable.CONFIG = 7
    gridengine.register_by_value(importable)
    try:
        # Not as the worker would import it.
        assert call(function) == (7, "importable")
        assert call(lambda: importable.describe()) == (7, "importable")
        assert type(echo(cls())) is cls
        assert call(cls().get) == 7
        assert call(lambda: importable.CONFIG) == 7
    finally:
        gridengine.unregister_by_value(importable)
        importable.CONFIG = None
    assert call(function) == (None, "importable")


def case_module_by_value_whose_globals_change():
    module = types.ModuleType("changing")
    module.value = 1
    within = (module,)

    def use():
        return module.value, within[0].value

    def run(payload):
        return pickle.loads(payload)()

    for number in (1, 2):
        module.value = number
        assert call(run, pack_function(use).payload) == (number, number)
    assert pack_function(use).key == pack_function(use).key


def case_registered_with_cloudpickle():
    importable.CONFIG = 8
    cloudpickle.register_pickle_by_value(importable)
    try:
        assert call(importable.describe) == (8, "importable")
    finally:
        cloudpickle.unregister_pickle_by_value(importable)
        importable.CONFIG = None


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
