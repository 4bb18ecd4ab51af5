"""Fixtures for tests that run training code: a job's modules, and a small corpus."""

from __future__ import annotations

import base64
import importlib
import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

# As `simulator` has it; numpy may be imported before.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
# No test asks the model of whoever runs it.
os.environ.pop("FLATLINE_MODEL", None)

JobModules = Callable[[Mapping[str, str]], SimpleNamespace]


def import_job(folder: Path, source: Mapping[str, str]) -> SimpleNamespace:
    """Lay training code out in `folder` and import its top-level files, leaving no trace in `sys.modules`."""
    for name, text in source.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    names = [name.removesuffix(".py") for name in source if name.endswith(".py") and "/" not in name]
    covered = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        modules: dict[str, ModuleType] = {name: importlib.import_module(name) for name in names}
    finally:
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(covered)
    return SimpleNamespace(**modules)


@pytest.fixture(scope="session")
def job_modules(tmp_path_factory: pytest.TempPathFactory) -> JobModules:
    """Source → its modules, as attributes. One core, since these models are too small for more."""
    torch = pytest.importorskip("torch")
    torch.set_num_threads(1)
    return lambda source: import_job(tmp_path_factory.mktemp("job"), source)


@pytest.fixture(scope="session")
def reference(job_modules: JobModules) -> SimpleNamespace:
    """The modules of the reference training code."""
    from scenarios.source import reference_source

    return job_modules(reference_source())


@pytest.fixture(scope="session")
def corpus(reference: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small corpus made by the reference's own parts: all three sources, about 150 kB."""
    prepare = reference.prepare
    files = prepare.module_files()
    documents = prepare.interleave(
        prepare.topic_documents()[:60], prepare.docstring_documents(files[:40]), prepare.bytecode_documents(files[:24])
    )
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    # Some help topics share one text; so few documents might put it into both splits.
    distinct = {data: name for name, data in documents}
    with path.open("w") as file:
        for data, name in distinct.items():
            file.write(json.dumps({"name": name, "data": base64.b64encode(data).decode()}) + "\n")
    return path
