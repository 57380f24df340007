from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
        ("“https://a.example/x”, he said", "https://a.example/x"),
        ("«https://a.example/x».", "https://a.example/x"),
        ("‘www.a.example’", "http://www.a.example"),
        ("https://a.example—and more", "https://a.example"),
        ("https://a.example/x… and more", "https://a.example/x"),
        ("https://a.example/L’Avare", "https://a.example/L%E2%80%99Avare"),
        ("请访问https://a.example/x。", "https://a.example/x"),
        ("サイトwww.a.example", "http://www.a.example"),
        ("邮箱ada@a.example", "mailto:ada@a.example"),
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
        "жhttps://a.example",
        "éada@a.example",
        "a@b",
        "a@b.c-",
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
        "[Ada.Byron@docs.example](mailto:ada.byron@docs.example)",
        "[docs**.example**](https://docs.example)",
        "[docs.example:8000](https://docs.example:8000)",
        "[docs.example/a.html](https://docs.example/a.html)",
        "[_docs.example_](https://docs.example)",
        "[ada@docs.example](https://docs.example)",
        "“[https://docs.example](https://docs.example)”.",
        "([docs.example](https://docs.example)).",
        "[docs.example](https://docs.example)を見る",
        "https://docs.example、次",
        "[the docs](https://docs.example)/[a.example](https://a.example)",
        "a.example|[the docs](https://docs.example)",
        "docs.example/[page](https://docs.example/page)",
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
        ("[https:**/**/bank.example](https://evil.example)", "evil.example"),
        ("[**bank**.example](https://evil.example)", "evil.example"),
        ("[ba~~n~~k.exam*ple*](https://evil.example)", "evil.example"),
        ("[https:/\u200b/bank.example](https://evil.example)", "evil.example"),
        ("[https:/\u2060/bank.example](https://evil.example)", "evil.example"),
        ("[bank\u200b.example](https://evil.example)", "evil.example"),
        ("[ba\u00adnk.example](https://evil.example)", "evil.example"),
        ("[bank&#8203;.example](https://evil.example)", "evil.example"),
        ("[bank&#8203;.&ZeroWidthSpace;example](https://evil.example)", "evil.example"),
        ("[bank\u200a.\u202fexample](https://evil.example)", "evil.example"),
        ("[ｂａｎｋ．example](https://evil.example)", "evil.example"),
        ("[https:⁄⁄bank](https://evil.example)", "evil.example"),
        ("[bank․example](https://evil.example)", "evil.example"),
        ("[🔒bank.example](https://evil.example)", "evil.example"),
        ("[🔒 bank.example](https://evil.example)", "evil.example"),
        ("[→bank.example](https://evil.example)", "evil.example"),
        ("[«bank.example»](https://evil.example)", "evil.example"),
        ("[..bank.example](https://evil.example)", "evil.example"),
        ("[evil.example bank.example](https://evil.example)", "evil.example"),
        ("[https://evil.example bank.example](https://evil.example)", "evil.example"),
        ("[bank.example/@ada](https://evil.example)", "evil.example"),
        ("[https://bank.example@evil.example](https://evil.example)", "evil.example"),
        ("[192.0.2.1](https://evil.example)", "evil.example"),
        ("[![bank.example](https://evil.example/a.png)](https://evil.example)", "evil.example"),
        ("[![](https://bank.example/a.png)](https://evil.example)", "evil.example"),
        (r"[$\text{bank}.\text{example}$](https://evil.example)", "evil.example"),
        ("bank.[example](https://evil.example)", "evil.example"),
        ("[bank](https://evil.example).example", "evil.example"),
        ("evil.example#[https://bank.example](https://evil.example)", "evil.example"),
        ("[x&#x202e;y](https://evil.example)", "evil.example"),
    ],
)
def test_a_misleading_link_shows_its_real_host(text: str, host: str) -> None:
    assert host_notes(text) == [host]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("[https:](https://evil.example)[//bank.example](https://evil.example)", "evil.example"),
        ("[https://ba](https://evil.example)[nk.example](https://evil.example)", "evil.example"),
        ("[bank](https://evil.example)[.example](https://evil.example)", "evil.example"),
        ("https://bank.exam[ple](https://evil.example)", "evil.example"),
    ],
)
def test_an_address_made_of_several_links_shows_where_it_leads(text: str, host: str) -> None:
    assert host in host_notes(text)


# What changes nothing for the eye, and what stands beside a name without being a part of it.
_NOTHING = ["", "\u200b", "\u2060", "\u00ad", "\u200d", "\ufeff", "\u034f", "&#8203;", "&shy;", "\u200a"]
_BESIDE = ["", "https://", "https:⁄⁄", "//", "🔒", "🔒 ", "→", "«", "(", "see ", "* ", "·", "www."]


@given(
    st.sampled_from(_BESIDE),
    st.lists(st.sampled_from(_NOTHING), min_size=12, max_size=12),
    st.sampled_from(["**", "*", "~~", "`", ""]),
    st.sampled_from([place for place, letter in enumerate("bank.example") if letter != "."]),
)
def test_a_name_is_read_as_the_eye_reads_it(before: str, nothing: list[str], mark: str, place: int) -> None:
    letters = list("bank.example")
    letters[place] = f"{mark}{letters[place]}{mark}"
    name = "".join(map("".join, zip(nothing, letters, strict=True)))
    assert host_notes(f"[{before}{name}](https://evil.example)") == ["evil.example"]


@pytest.mark.parametrize("words", ["", "\u200b", "&#8203;", "\u2800", "**\u2060**"])
def test_a_link_without_words_shows_its_host(words: str) -> None:
    [(address, shown)] = links(f"[{words}](https://a.example/x)")
    assert (address, shown.endswith("a.example")) == ("https://a.example/x", True)
