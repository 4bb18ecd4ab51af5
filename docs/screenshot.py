"""Makes the README's picture of a debugging round, by playing the start of one: `python docs/screenshot.py`.

Writes docs/round.svg, and with rsvg-convert (librsvg) at hand docs/round.png in its place. Needs a recorded run of the
scenario (the bundled ones, or those in FLATLINE_TRACES).
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

SIZE = (120, 34)
SCENARIO = "no_zero_grad"
SAID = (
    "It turns right after warmup. I suspect the steps are too large, or not along the gradient.",
    "show me the gradient norm compared with the known-good run",
)
FONT = 20.26  # pixels at which a character of DejaVu Sans Mono is as wide as a cell
OUT = Path(__file__).with_name("round.svg")


async def picture() -> str:
    """The round as SVG after `SAID`."""
    from textual.widgets import TextArea

    from simulator.interview import Options
    from simulator.store import Store
    from simulator.tui.app import FlatlineApp

    app = FlatlineApp(Store, Options(scenario=SCENARIO, seed=0))
    try:
        async with app.run_test(size=SIZE) as pilot:
            for text in (None, *SAID):
                if text is not None:
                    app.screen.query_one("#composer", TextArea).insert(text)
                    await pilot.press("enter")
                await pilot.pause(1.5)
            app.screen.query_one("#composer", TextArea).cursor_blink = False
            await pilot.pause(0.5)
            return app.export_screenshot(title="flatline")
    finally:
        app.close()


def drawable(svg: str) -> str:
    """The SVG for renderers without web fonts: a font with braille dots, as wide as a cell, and all spaces kept."""
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
    svg = svg.replace("Fira Code, monospace", "DejaVu Sans Mono, monospace").replace("size: 20px", f"size: {FONT}px")
    return svg.replace("<text ", '<text xml:space="preserve" ')


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        os.environ["FLATLINE_HOME"] = home
        OUT.write_text(drawable(asyncio.run(picture())), encoding="utf-8")
    convert = shutil.which("rsvg-convert")
    if convert is None:
        print(f"{OUT}; rsvg-convert, which makes the PNG of it, is not installed")
        return
    png = OUT.with_suffix(".png")
    subprocess.run([convert, "--zoom", "1", str(OUT), "--output", str(png)], check=True)
    OUT.unlink()
    print(png)


if __name__ == "__main__":
    main()
