"""axe-core on a page: light and dark, on a telephone and on a desk."""

from __future__ import annotations

from typing import Any, Literal

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

VARIANTS: list[tuple[Literal["light", "dark"], int, dict[str, Any]]] = [
    ("light", 1440, {}),
    # Another scheme changes nothing but colours.
    ("dark", 1440, {"runOnly": ["color-contrast"]}),
    ("dark", 360, {}),
]


async def audit(page: Page) -> None:
    """Fails with what axe finds wrong with the page as it is now, or with what is wider than the screen."""
    found = []
    for scheme, width, options in VARIANTS:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        await page.set_viewport_size({"width": width, "height": 900})
        # Colours are compared as they are painted: one frame for the new scheme.
        await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        for violation in await violations(page, **options):
            for node in violation["nodes"]:
                found.append((scheme, width, violation["id"], node["failureSummary"], node["html"][:200]))
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    assert found == []


async def violations(page: Page, **options: Any) -> list[dict[str, Any]]:
    """axe's own list; `options` are those of `axe.run`."""
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(AXE_SCRIPT)
    found: list[dict[str, Any]] = await page.evaluate(
        "(options) => axe.run(options).then(({ violations }) => violations)",
        {"resultTypes": ["violations"], **options},
    )
    return found
