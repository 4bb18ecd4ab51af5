"""Whether a model is configured, and where. The key stays in the environment and is kept nowhere else."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from simulator.errors import FlatlineError

FILE = "settings.toml"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """`base_url` is None for OpenAI's own."""

    model: str
    base_url: str | None = None

    @property
    def place(self) -> str:
        """The host, without anything in the address that might be a secret."""
        if self.base_url is None:
            return "api.openai.com"
        try:
            parts = urlsplit(self.base_url)
            return f"{parts.hostname or '?'}{f':{parts.port}' if parts.port else ''}"
        except ValueError:
            return "the address in OPENAI_BASE_URL"


class _Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str = ""


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    model: _Model = _Model()


def path() -> Path:
    """Where the settings file would be."""
    override = os.environ.get("FLATLINE_HOME")
    if override:
        return Path(override).expanduser() / FILE
    import platformdirs

    return Path(platformdirs.user_config_dir("flatline", appauthor=False)) / FILE


def read() -> Settings | None:
    """The model to ask, None when none is named.

    Raises FlatlineError when the file cannot be read, or a model is named without an endpoint.
    """
    name = os.environ.get("FLATLINE_MODEL", "").strip() or _from_file(path())
    if not name:
        return None
    base_url = os.environ.get("OPENAI_BASE_URL", "").strip() or None
    if base_url is None and not key():
        raise FlatlineError(f"the model {name} is not used: set OPENAI_API_KEY, or OPENAI_BASE_URL for one of your own")
    return Settings(model=name, base_url=base_url)


def key() -> str:
    """The key in the environment, empty when there is none."""
    return os.environ.get("OPENAI_API_KEY", "").strip()


def _from_file(file: Path) -> str:
    if not file.is_file():
        return ""
    import tomllib

    try:
        found = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), _File)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise FlatlineError(f'{file} cannot be used ({error}): it may hold [model] with name = "..."') from None
    return found.model.name.strip()
