"""Fixtures of the interview's tests."""

from __future__ import annotations

from pathlib import Path

import pytest
import world
from playing import Play


@pytest.fixture
def play() -> Play:
    return Play()


@pytest.fixture
def review() -> Play:
    return Play("review", 10)


@pytest.fixture
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The store's folder of this test; it does not exist yet."""
    home = tmp_path / "home"
    monkeypatch.setenv("FLATLINE_HOME", str(home))
    return home


@pytest.fixture(scope="session")
def world_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `pack` and `traces` (see `world`)."""
    root = tmp_path_factory.mktemp("world")
    world.write_pack(root / "pack")
    world.write_traces(root / "traces")
    return root


@pytest.fixture
def small_world(world_root: Path, data_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The environment points at the small world's pack and traces, and at a store of this test's own."""
    monkeypatch.setenv("FLATLINE_SCENARIOS", str(world_root / "pack"))
    monkeypatch.setenv("FLATLINE_TRACES", str(world_root / "traces"))
    return world_root
