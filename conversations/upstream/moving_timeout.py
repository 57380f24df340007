"""A time-out for many short waits in a row; used by `exchange` around every network read."""

from __future__ import annotations

import asyncio
from types import TracebackType


class MovingTimeout:
    """As `asyncio.timeout_at(deadline)`, but moving the deadline costs an attribute instead of a timer.

    The timer is set once; when it rings, it looks how far the deadline has moved meanwhile. `close` when there are
    no more waits.
    """

    def __init__(self) -> None:
        self.deadline = 0.0
        """In the loop's time; set before each wait, which then raises TimeoutError when it is reached."""
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[object] | None = None
        self._cancelling = 0
        self._rang = False

    def __enter__(self) -> None:
        task = self._task = asyncio.current_task()
        assert task is not None
        self._cancelling = task.cancelling()
        if self._timer is None or self._timer.when() > self.deadline:
            self._set_timer()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if self._rang:
            self._rang = False
            assert task is not None
            # Somebody else's cancellation, in the same moment, counts more.
            if task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
                raise TimeoutError from error

    def close(self) -> None:
        """Lets go of the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set_timer(self) -> None:
        self.close()
        self._timer = asyncio.get_running_loop().call_at(self.deadline, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._task is None:
            return
        if asyncio.get_running_loop().time() < self.deadline:
            self._set_timer()
        else:
            self._rang = True
            self._task.cancel()
