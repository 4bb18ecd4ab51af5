"""The one thread in which everything that may block is done: the store, the interview, reading files, grading."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Backstage:
    """Calls are done one after another, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="flatline")

    async def do(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do the call in the thread and return its result.

        Raises FlatlineError: the call's own, or a line on whatever else went wrong in it.
        """

        def done() -> T:
            try:
                return call(*args, **kwargs)
            except Exception as error:
                from simulator.mishap import foreseen

                raise foreseen(error) from error

        return await asyncio.get_running_loop().run_in_executor(self._pool, done)

    def close(self) -> None:
        """Wait for what has been asked for; nothing can be asked for afterwards."""
        self._pool.shutdown(wait=True)
