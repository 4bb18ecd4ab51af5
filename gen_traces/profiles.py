"""Profiles: how large and how long the jobs of a recording are."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from gen_traces.errors import RecordingError

Source = Mapping[str, str]


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`set` overrides configuration keys of every job, `configs` those of one configuration. `timeout` in seconds."""

    about: str
    device: str
    seeds: tuple[int, ...]
    timeout: float
    set: dict[str, Any] = {}
    configs: dict[str, dict[str, Any]] = {}

    def overrides(self, config_name: str, code: Source | None = None) -> dict[str, Any]:
        """What this profile changes in the configuration of that name; of `set`, the keys that the code knows."""
        known = self.set if code is None else default_values(code)
        return {key: value for key, value in self.set.items() if key in known} | self.configs.get(config_name, {})


def load_profiles(path: Path | None = None) -> dict[str, Profile]:
    """All profiles by name. Raises RecordingError for a file that is not one of profiles."""
    import yaml

    file = path or Path(__file__).with_name("profiles.yaml")
    try:
        return msgspec.convert(yaml.safe_load(file.read_text()), dict[str, Profile])
    except (OSError, yaml.YAMLError, msgspec.ValidationError) as error:
        raise RecordingError(f"{file} is no file of profiles: {str(error).splitlines()[0]}") from None


def profile(name: str) -> Profile:
    """The profile of that name. Raises RecordingError naming those there are."""
    known = load_profiles()
    if name not in known:
        raise RecordingError(f"no profile {name!r}: choose one of {', '.join(known)}")
    return known[name]


def config_name(config: str) -> str:
    """`configs/base.yaml`, `base.yaml` and `base` all name the configuration `base`."""
    return PurePosixPath(config).name.removesuffix(".yaml")


def config_values(source: Source, name: str) -> dict[str, Any]:
    """The keys that the file of a configuration sets. Raises RecordingError when there is no such file."""
    import yaml

    path = f"configs/{name}.yaml"
    if path not in source:
        there = sorted(config_name(file) for file in source if file.startswith("configs/"))
        raise RecordingError(f"no configuration {name!r}: the training code has {', '.join(there)}")
    try:
        values = yaml.safe_load(source[path]) or {}
    except yaml.YAMLError as error:
        raise RecordingError(f"{path} is not YAML: {str(error).splitlines()[0]}") from None
    return dict(values)


def default_values(source: Source) -> dict[str, Any]:
    """The defaults of the job's configuration dataclass, read without running it.

    It is that of `config.py` or of a `*_config.py`, which extends the plain one or, without a base, replaces it.
    """
    found: dict[str, Any] = {}
    for name in sorted((name for name in source if name.endswith("config.py")), key=len):
        extends, values = _defaults(source[name])
        found = {**found, **values} if extends else dict(values)
    return found


@functools.lru_cache(maxsize=64)
def _defaults(text: str) -> tuple[bool, Mapping[str, Any]]:
    """Whether a class of the file has a base, and the defaults that its classes give."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return False, {}
    extends = any(isinstance(node, ast.ClassDef) and node.bases for node in tree.body)
    found: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            try:
                found[node.target.id] = ast.literal_eval(node.value)
            except ValueError:
                continue
    return extends, found


def effective(source: Source, name: str, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults, file and overrides of a configuration, put over one another."""
    return default_values(source) | config_values(source, name) | dict(overrides)


def check_overrides(reference: Source, patched: Source, name: str, overrides: Mapping[str, Any], where: str) -> None:
    """Raises RecordingError when `overrides` set a configuration key that the patch changes."""
    before, after = effective(reference, name, {}), effective(patched, name, {})
    changed = sorted(key for key in before.keys() | after.keys() if before.get(key) != after.get(key))
    hidden = [key for key in changed if key in overrides]
    if hidden:
        raise RecordingError(
            f"{where} changes the configuration key `{hidden[0]}`, which the profile overrides: "
            f"take `{hidden[0]}` out of the profile for {name}"
        )
