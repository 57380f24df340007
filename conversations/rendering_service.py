"""The render service of this process. Used by the engine and by views; both hand it text and get safe HTML."""

from __future__ import annotations

from functools import cache

from .rendering.service import RenderService


@cache
def service() -> RenderService:
    return RenderService()
