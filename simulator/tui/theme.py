"""The program's own look: a calm desk, one green line."""

from __future__ import annotations

from textual.theme import Theme

NAME = "flatline"

THEME = Theme(
    name=NAME,
    primary="#8ab6c9",
    secondary="#9aa7b0",
    accent="#86c79b",
    warning="#e0b060",
    error="#e08080",
    success="#86c79b",
    foreground="#d9dde0",
    background="#14181b",
    surface="#191e22",
    panel="#20262b",
    dark=True,
    variables={
        "scrollbar": "#3a454d",
        "scrollbar-hover": "#4a575f",
        "scrollbar-active": "#5a6870",
        "scrollbar-background": "#191e22",
        "scrollbar-background-hover": "#191e22",
        "scrollbar-background-active": "#191e22",
        "scrollbar-corner-color": "#191e22",
        "block-cursor-background": "#2c4237",
        "block-cursor-foreground": "#e6eaec",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#20262b",
        "block-cursor-blurred-foreground": "#d9dde0",
        "block-cursor-blurred-text-style": "none",
        "input-cursor-background": "#86c79b",
        "input-cursor-foreground": "#14181b",
    },
)

# The last beat of a heart, then the curve everybody fears.
LINE = "▁▁▁▁▂▅▂▁▁▁▁▃▇▃▁▁▁▁▂▅▂▁▁▁▁▂▃▂▁▁▁▁▁▂▁"
FLAT = "▁"


def logo(width: int) -> str:
    """Return the logo, one line of `width` cells."""
    return (LINE + FLAT * max(0, width - len(LINE)))[: max(0, width)]
