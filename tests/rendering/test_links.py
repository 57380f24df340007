from __future__ import annotations

import pytest

from conversations.rendering.markdown import render_document

from .inspection import Inspector


def links(text: str) -> list[tuple[str, str]]:
    return Inspector("".join(render_document(text))).links


def host_notes(text: str) -> list[str]:
    return [
        part.partition(")")[0]
        for part in "".join(render_document(text)).split('<span class="link__host">(')[1:]
    ]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("see https://a.example/x.", "https://a.example/x"),
        ("(https://a.example/x)", "https://a.example/x"),
        ("https://en.wikipedia.org/wiki/A_(b)", "https://en.wikipedia.org/wiki/A_(b)"),
        ("https://a.example/_next_/b_c", "https://a.example/_next_/b_c"),
        ("**https://a.example/**", "https://a.example/"),
        ("https://a.example/?a=1&b=2&amp;", "https://a.example/?a=1&b=2"),
        ("http://localhost:8000/x", "http://localhost:8000/x"),
        ("https://a.example。", "https://a.example"),
        ('"https://a.example/"', "https://a.example/"),
        ("www.a.example/x,", "http://www.a.example/x"),
        ("<https://a.example>", "https://a.example"),
        ("ada@a.example", "mailto:ada@a.example"),
        ("<ada@a.example>", "mailto:ada@a.example"),
        ("[x](mailto:ada@a.example)", "mailto:ada@a.example"),
        ("[x](HTTPS://a.example)", "https://a.example"),
        ("| a |\n|---|\n| https://a.example |", "https://a.example"),
    ],
)
def test_addresses_become_links(text: str, address: str) -> None:
    assert [href.lower() for href, _ in links(text)] == [address.lower()]


@pytest.mark.parametrize(
    "text",
    [
        "README.md and main.py",
        "example.com",
        "http://",
        "https:///x",
        "`https://a.example`",
        "```\nhttps://a.example\n```",
        "xhttps://a.example",
        "a@b",
        "ftp://a.example",
        "[x](/accounts/logout/)",
        "[x](#top)",
        "[x](//evil.example)",
        "[x](https:/evil.example)",
        "[x](\\\\evil.example)",
        "[x](https://)",
        "[x]()",
    ],
)
def test_what_is_no_web_address_stays_text(text: str) -> None:
    rendered = "".join(render_document(text))
    assert Inspector(rendered).links == []
    assert Inspector(rendered).text.strip()


def test_the_text_of_a_refused_link_is_not_lost() -> None:
    assert (
        Inspector("".join(render_document("[click](javascript:alert(1))"))).text
        == "[click](javascript:alert(1))\n"
    )


@pytest.mark.parametrize(
    "text",
    [
        "[the docs](https://docs.example/x)",
        "[docs.example](https://docs.example/x.html)",
        "[https://docs.example/x.html](https://docs.example/x.html)",
        "[www.docs.example](https://docs.example)",
        "[docs.example](https://en.docs.example)",
        "[version 3.14](https://docs.example)",
        "[e.g. this](https://docs.example)",
        "https://docs.example/a.b/c.html",
        "[ada@docs.example](mailto:ada@docs.example)",
    ],
)
def test_an_honest_link_has_no_note(text: str) -> None:
    assert links(text) and host_notes(text) == []


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("[https://bank.example](https://evil.example)", "evil.example"),
        ("[bank.example](https://evil.example)", "evil.example"),
        ("[BANK.example/login](https://evil.example)", "evil.example"),
        ("[go to bank.example now](https://evil.example)", "evil.example"),
        ("[**bank.example**](https://evil.example)", "evil.example"),
        ("[`bank.example`](https://evil.example)", "evil.example"),
        ("[bank。example](https://evil.example)", "evil.example"),
        ("[//bank.example](https://evil.example)", "evil.example"),
        ("[bank.example](https://bank.example.evil.example)", "bank.example.evil.example"),
        ("[bank.example](https://notbank.example)", "notbank.example"),
        ("[bank.example:443](https://evil.example:8443)", "evil.example:8443"),
        ("[ada@bank.example](mailto:eve@evil.example)", "eve@evil.example"),
        ("[ada@bank.example](https://evil.example)", "evil.example"),
        ("[x](https://good.example@evil.example)", "evil.example"),
        ("https://good.example@evil.example/", "evil.example"),
        ("[x](https://good.example:pw@evil.example/)", "evil.example"),
        ("[x](https://аpple.com/)", "xn--pple-43d.com"),
        ("<https://аpple.com/>", "xn--pple-43d.com"),
        ("https://аpple.com/", "xn--pple-43d.com"),
        ("[x\u202ey](https://evil.example)", "evil.example"),
        ("[\U000e0041](https://evil.example)", "evil.example"),
        ("[bank.example][1]\n\n[1]: https://evil.example", "evil.example"),
    ],
)
def test_a_misleading_link_shows_its_real_host(text: str, host: str) -> None:
    assert host_notes(text) == [host]


def test_a_link_without_words_shows_its_host() -> None:
    assert links("[](https://a.example/x)") == [("https://a.example/x", "a.example")]
