"""Laying measured things out as plain text of at most 80 columns, with no word about what they mean."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

WIDTH = 80
_NAMED = {9: "→", 10: "⏎", 13: "↵"}


def glyphs(tokens: Iterable[int]) -> str:
    """Byte tokens, one character each: tab →, newline ⏎, return ↵, anything unprintable ·, no token at all _."""
    return "".join(
        _NAMED.get(token) or (chr(token) if 32 <= token < 127 else "_" if not 0 <= token < 256 else "·")
        for token in tokens
    )


def fields(pairs: Iterable[tuple[str, object]]) -> str:
    """One `name  value` a line, values aligned; long values go on under themselves."""
    rows = [(name, str(value)) for name, value in pairs]
    pad = max((len(name) for name, _ in rows), default=0) + 2
    return "\n".join(line for name, value in rows for line in _wrapped(name.ljust(pad), value, " " * pad))


def _wrapped(first: str, value: str, rest: str) -> Iterable[str]:
    import textwrap

    lines = textwrap.wrap(value, WIDTH - len(rest), break_on_hyphens=False) or [""]
    yield (first + lines[0]).rstrip()
    yield from (rest + line for line in lines[1:])


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Columns aligned: numbers right, words left."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [list(header), *cells]) for i in range(len(header))]
    right = [all(_is_number(row[i]) for row in cells) for i in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        )
        for row in [list(header), *cells]
    ]
    return "\n".join(line.rstrip() for line in lines)


def _is_number(cell: str) -> bool:
    try:
        float(cell.replace(",", "").removesuffix("%") or "x")
    except ValueError:
        return False
    return True


def number(value: float) -> str:
    """Four significant digits."""
    return f"{value:.4g}"


def ranges(steps: Sequence[int]) -> str:
    """`0-299` for consecutive steps, joined by commas."""
    parts: list[list[int]] = []
    for step in steps:
        if parts and step == parts[-1][1] + 1:
            parts[-1][1] = step
        else:
            parts.append([step, step])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)
