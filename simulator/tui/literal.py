"""Other people's text on the screen: shown as it is, never obeyed."""

from __future__ import annotations

TAB = 4
_VISIBLE = {code: chr(0x2400 + code) for code in range(32) if chr(code) not in "\n\t"}
_VISIBLE[0x7F] = "␡"
_VISIBLE.update(dict.fromkeys((*range(128, 160), *range(8234, 8239), *range(8294, 8298)), "�"))


def visible(text: str) -> str:
    """Return `text` with control characters, escape codes among them, made visible and tabs made spaces.

    Direction overrides are replaced too, because they could make a line read as something it is not.
    """
    text = text.replace("\r\n", "\n")
    return text.translate(_VISIBLE).expandtabs(TAB)
