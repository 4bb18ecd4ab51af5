"""Driving the real app in a test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from textual.pilot import Pilot

from simulator.interview import Options
from simulator.store import Store
from simulator.tui.app import FlatlineApp
from simulator.tui.chatlog import Said

PATIENCE = 20.0


@asynccontextmanager
async def running(
    options: Options | None = None, session_id: str | None = None, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Pilot[None]]:
    """Run the app with a store of its own and close it afterwards."""
    app = FlatlineApp(Store, options, session_id)
    try:
        async with app.run_test(size=size, notifications=True) as pilot:
            await settle(pilot)
            yield pilot
    finally:
        app.close()


async def settle(pilot: Pilot[None]) -> None:
    """Wait until no worker is at work and all messages have been handled."""
    for _ in range(4):
        await pilot.pause()
        async with asyncio.timeout(PATIENCE):
            while any(not worker.is_finished for worker in pilot.app.workers):
                await asyncio.sleep(0.01)
    await pilot.pause()


async def press(pilot: Pilot[None], *keys: str) -> None:
    for key in keys:
        await pilot.press(key)
        await settle(pilot)


async def say(pilot: Pilot[None], text: str) -> None:
    """Type a message as a paste would, and send it."""
    from simulator.tui.composer import Composer

    pilot.app.screen.query_one(Composer).insert(text)
    await press(pilot, "enter")


def conversation(pilot: Pilot[None]) -> str:
    """Return all that the conversation shows, as plain text."""
    return "\n".join(str(said.content) for said in pilot.app.screen.query(Said))


def screen_text(pilot: Pilot[None]) -> str:
    """Return what the terminal shows, row by row."""
    app = pilot.app
    return "\n".join(strip.text.rstrip() for strip in app.screen._compositor.render_strips())


def told(pilot: Pilot[None]) -> str:
    """Return what the notices say, unwrapped."""
    return "\n".join(notice.message for notice in pilot.app._notifications)
