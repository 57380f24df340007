from __future__ import annotations

from conversations.rendering.cache import RenderedCache


def test_what_was_put_is_found_and_its_copy_is_the_callers() -> None:
    cache = RenderedCache()
    cache.put("text", ["<p>a</p>"])
    found = cache.get("text")
    assert found == ["<p>a</p>"]
    found.append("x")
    assert cache.get("text") == ["<p>a</p>"] and cache.get("other") is None


def test_the_least_recently_used_leaves_first() -> None:
    cache = RenderedCache(capacity=100)
    for name in "abcd":
        cache.put(name, ["x" * 25])
    assert cache.get("a")
    cache.put("e", ["x" * 25])
    assert cache.get("b") is None and cache.get("a") and cache.get("e")


def test_a_text_that_would_fill_the_cache_is_not_kept() -> None:
    cache = RenderedCache(capacity=100)
    cache.put("a", ["x" * 25])
    cache.put("b", ["x" * 26])
    assert cache.get("a") and cache.get("b") is None


def test_putting_a_text_again_does_not_count_twice() -> None:
    cache = RenderedCache(capacity=100)
    for _ in range(10):
        cache.put("a", ["x" * 25])
    cache.put("b", ["x" * 25])
    assert cache.get("a") and cache.get("b")


def test_half_a_character_is_no_obstacle() -> None:
    cache = RenderedCache()
    cache.put("\ud800", ["x"])
    assert cache.get("\ud800") == ["x"]
