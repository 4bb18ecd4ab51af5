from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import tui_material as material


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A world of one scenario, its recorded runs and an empty store; the current folder is a scratch one."""
    pack, traces, data, scratch = (tmp_path / name for name in ("pack", "traces", "home", "scratch"))
    scratch.mkdir()
    material.write_pack(pack)
    material.write_traces(traces)
    for name, folder in (("SCENARIOS", pack), ("TRACES", traces), ("HOME", data)):
        monkeypatch.setenv(f"FLATLINE_{name}", str(folder))
    monkeypatch.delenv("TEXTUAL_THEME", raising=False)
    monkeypatch.chdir(scratch)
    yield data
