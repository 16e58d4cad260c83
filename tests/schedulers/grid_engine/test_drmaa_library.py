"""Finding a DRMAA library, and what it needs."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from gridengine.schedulers.grid_engine import drmaa_library


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine on which nothing is installed."""
    monkeypatch.setattr(drmaa_library, "_PLACES", ())
    monkeypatch.setattr(drmaa_library, "_ROOTS", ())
    monkeypatch.setattr(drmaa_library, "_LOADER_CACHE", tmp_path / "ld.so.cache")


def _library(folder: Path, content: bytes = b"") -> Path:
    folder.mkdir(parents=True)
    (folder / "libdrmaa.so.1.0").write_bytes(content)
    return folder / "libdrmaa.so.1.0"


@pytest.mark.usefixtures("alone")
def test_nothing_is_found_where_there_is_nothing() -> None:
    assert drmaa_library.find({}) is None
    assert "no DRMAA library found" in (drmaa_library.problem(None, {}) or "")


@pytest.mark.usefixtures("alone")
def test_the_variable_comes_first(tmp_path: Path) -> None:
    given, other = _library(tmp_path / "a"), _library(tmp_path / "root/lib/lx-amd64")
    environ = {"SGE_ROOT": str(tmp_path / "root")}
    assert other == drmaa_library.find(environ)
    assert given == drmaa_library.find({**environ, "DRMAA_LIBRARY_PATH": str(given)})
    gone = {**environ, "DRMAA_LIBRARY_PATH": "/nowhere/libdrmaa.so"}
    assert drmaa_library.find(gone) is None
    problem = drmaa_library.problem(None, gone)
    assert "DRMAA_LIBRARY_PATH=/nowhere/libdrmaa.so does not exist" == problem


@pytest.mark.usefixtures("alone")
def test_the_loaders_path_and_cache_are_searched(tmp_path: Path) -> None:
    library = _library(tmp_path / "a")
    assert library == drmaa_library.find({"LD_LIBRARY_PATH": f"/nowhere:{tmp_path}/a"})
    cache = b"\0libdrmaa.so.1\0" + bytes(library) + b"\0libdrop.so\0/usr/lib/libdrop.so\0"
    (tmp_path / "ld.so.cache").write_bytes(cache)
    assert library == drmaa_library.find({})


@pytest.mark.usefixtures("alone")
def test_the_usual_places_are_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = _library(tmp_path / "sge/lib/lx-amd64")
    monkeypatch.setattr(drmaa_library, "_PLACES", (f"{tmp_path}/*/lib/*-*",))
    assert library == drmaa_library.find({})


@pytest.mark.usefixtures("alone")
def test_what_is_missing_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = _library(tmp_path / "root/lib/lx-amd64")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: "something")
    assert "SGE_ROOT is not set" in (drmaa_library.problem(library, {}) or "")
    assert drmaa_library.problem(library, {"SGE_ROOT": "/sge"}) is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    told = drmaa_library.problem(library, {"SGE_ROOT": "/sge"}) or ""
    assert "pip install 'gridengine[cluster]'" in told


@pytest.mark.usefixtures("alone")
def test_the_root_is_known_from_the_librarys_place(tmp_path: Path) -> None:
    library = _library(tmp_path / "root/lib/lx-amd64")
    assert drmaa_library.root(library, {}) is None
    (tmp_path / "root/default/common").mkdir(parents=True)
    (tmp_path / "root/default/common/act_qmaster").touch()
    assert str(tmp_path / "root") == drmaa_library.environment(library, {})["SGE_ROOT"]


def test_an_allocator_that_cannot_be_loaded_late_is_loaded_early(tmp_path: Path) -> None:
    content = b"\x7fELF\0libssl.so.3\0libjemalloc.so.2\0libc.so.6\0"
    library = _library(tmp_path / "a", content)
    environ = {"SGE_ROOT": "/sge", "LD_PRELOAD": "libother.so"}
    made = drmaa_library.environment(library, environ)
    assert "libjemalloc.so.2:libother.so" == made["LD_PRELOAD"]
    (library.parent / "libjemalloc.so.2").touch()
    made = drmaa_library.environment(library, {"SGE_ROOT": "/sge"})
    assert f"{library.parent}/libjemalloc.so.2" == made["LD_PRELOAD"]


def test_nothing_is_loaded_early_without_need(tmp_path: Path) -> None:
    library = _library(tmp_path / "a", b"\x7fELF\0libc.so.6\0")
    assert "LD_PRELOAD" not in drmaa_library.environment(library, {"SGE_ROOT": "/sge"})
