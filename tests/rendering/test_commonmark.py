"""CommonMark and GFM as the renderer reads them: examples after the two specifications, with this page's marks."""

from __future__ import annotations

import re

import pytest

from conversations.rendering.incremental import render_open
from conversations.rendering.markdown import render_document

LINK = ' target="_blank" rel="noopener noreferrer"'

TABLE = '<div class="table" tabindex="0" role="group" aria-label="Table">'

EXAMPLES = [
    # thematic breaks
    ("***\n---\n___", "<hr>\n<hr>\n<hr>\n"),
    ("+++", "<p>+++</p>\n"),
    ("--\n**\n__", "<p>--\n**\n__</p>\n"),
    (" - - -", "<hr>\n"),
    ("- foo\n***\n- bar", "<ul>\n<li>foo</li>\n</ul>\n<hr>\n<ul>\n<li>bar</li>\n</ul>\n"),
    ("Foo\n***\nbar", "<p>Foo</p>\n<hr>\n<p>bar</p>\n"),
    # headings
    ("#5 bolt", "<p>#5 bolt</p>\n"),
    ("\\## foo", "<p>## foo</p>\n"),
    ("# foo *bar* \\*baz\\*", "<h3>foo <em>bar</em> *baz*</h3>\n"),
    ("## foo ##", "<h4>foo</h4>\n"),
    ("### foo \\###", "<h5>foo ###</h5>\n"),
    ("Foo *bar*\n=========", "<h3>Foo <em>bar</em></h3>\n"),
    ("Foo\n---", "<h4>Foo</h4>\n"),
    ("Foo\n= =", "<p>Foo\n= =</p>\n"),
    ("> Foo\n---", "<blockquote>\n<p>Foo</p>\n</blockquote>\n<hr>\n"),
    ("- Foo\n---", "<ul>\n<li>Foo</li>\n</ul>\n<hr>\n"),
    ("====", "<p>====</p>\n"),
    # paragraphs and line breaks
    ("aaa\nbbb\n\nccc", "<p>aaa\nbbb</p>\n<p>ccc</p>\n"),
    ("  aaa\n bbb", "<p>aaa\nbbb</p>\n"),
    ("aaa\n             bbb", "<p>aaa\nbbb</p>\n"),
    ("foo  \nbar", "<p>foo<br>\nbar</p>\n"),
    ("foo\\\nbar", "<p>foo<br>\nbar</p>\n"),
    ("foo \nbar", "<p>foo\nbar</p>\n"),
    ("foo  ", "<p>foo</p>\n"),
    # quotes
    ("> a\nb", "<blockquote>\n<p>a\nb</p>\n</blockquote>\n"),
    ("> a\n\n> b", "<blockquote>\n<p>a</p>\n</blockquote>\n<blockquote>\n<p>b</p>\n</blockquote>\n"),
    (">\n> a\n>  ", "<blockquote>\n<p>a</p>\n</blockquote>\n"),
    ("> > a\nb", "<blockquote>\n<blockquote>\n<p>a\nb</p>\n</blockquote>\n</blockquote>\n"),
    (">", "<blockquote>\n</blockquote>\n"),
    ("foo\n> bar", "<p>foo</p>\n<blockquote>\n<p>bar</p>\n</blockquote>\n"),
    # lists
    ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"),
    ("- a\n\n- b", "<ul>\n<li>\n<p>a</p>\n</li>\n<li>\n<p>b</p>\n</li>\n</ul>\n"),
    (
        "- a\n  - b\n    - c",
        "<ul>\n<li>a\n<ul>\n<li>b\n<ul>\n<li>c</li>\n</ul>\n</li>\n</ul>\n</li>\n</ul>\n",
    ),
    ("- foo\n- bar\n+ baz", "<ul>\n<li>foo</li>\n<li>bar</li>\n</ul>\n<ul>\n<li>baz</li>\n</ul>\n"),
    (
        "1. foo\n2. bar\n3) baz",
        '<ol>\n<li>foo</li>\n<li>bar</li>\n</ol>\n<ol start="3">\n<li>baz</li>\n</ol>\n',
    ),
    ("0. ok", '<ol start="0">\n<li>ok</li>\n</ol>\n'),
    ("-1. not ok", "<p>-1. not ok</p>\n"),
    ("1234567890. not ok", "<p>1234567890. not ok</p>\n"),
    ("Foo\n- bar", "<p>Foo</p>\n<ul>\n<li>bar</li>\n</ul>\n"),
    ("The number\n14.  of doors", "<p>The number\n14.  of doors</p>\n"),
    ("- a\n > b\n", "<ul>\n<li>a</li>\n</ul>\n<blockquote>\n<p>b</p>\n</blockquote>\n"),
    ("-one", "<p>-one</p>\n"),
    ("-\n  foo", "<ul>\n<li>foo</li>\n</ul>\n"),
    ("*", "<ul>\n<li></li>\n</ul>\n"),
    ("- a\n -b", "<ul>\n<li>a\n-b</li>\n</ul>\n"),
    ("1. a\n\n   b", "<ol>\n<li>\n<p>a</p>\n<p>b</p>\n</li>\n</ol>\n"),
    ("- # Foo", "<ul>\n<li>\n<h3>Foo</h3>\n</li>\n</ul>\n"),
    # code spans
    ("`foo`", "<p><code>foo</code></p>\n"),
    ("`` foo ` bar ``", "<p><code>foo ` bar</code></p>\n"),
    ("` `` `", "<p><code>``</code></p>\n"),
    ("`foo\\`bar`", "<p><code>foo\\</code>bar`</p>\n"),
    ("*foo`*`", "<p>*foo<code>*</code></p>\n"),
    ("```foo``", "<p>```foo``</p>\n"),
    ("`<a href=x>`", "<p><code>&lt;a href=x&gt;</code></p>\n"),
    # emphasis
    ("*foo bar*", "<p><em>foo bar</em></p>\n"),
    ("a * foo bar*", "<p>a * foo bar*</p>\n"),
    ("foo*bar*", "<p>foo<em>bar</em></p>\n"),
    ("_foo bar_", "<p><em>foo bar</em></p>\n"),
    ("foo_bar_baz", "<p>foo_bar_baz</p>\n"),
    ("5*6*78", "<p>5<em>6</em>78</p>\n"),
    ("**foo bar**", "<p><strong>foo bar</strong></p>\n"),
    ("** foo bar**", "<p>** foo bar**</p>\n"),
    ("***foo***", "<p><em><strong>foo</strong></em></p>\n"),
    ("*foo **bar** baz*", "<p><em>foo <strong>bar</strong> baz</em></p>\n"),
    ("**foo*", "<p>*<em>foo</em></p>\n"),
    ("*foo**", "<p><em>foo</em>*</p>\n"),
    ("__foo__bar", "<p>__foo__bar</p>\n"),
    ("**Gomphocarpus (*x*)**", "<p><strong>Gomphocarpus (<em>x</em>)</strong></p>\n"),
    ("*foo\nbar*", "<p><em>foo\nbar</em></p>\n"),
    # GFM strikethrough
    ("~~Hi~~ Hello", "<p><s>Hi</s> Hello</p>\n"),
    ("~Hi~", "<p><s>Hi</s></p>\n"),
    ("This ~~has a\n\nnew paragraph~~.", "<p>This ~~has a</p>\n<p>new paragraph~~.</p>\n"),
    # escapes and entities
    ("\\*not emphasized*", "<p>*not emphasized*</p>\n"),
    ("\\\\*emphasis*", "<p>\\<em>emphasis</em></p>\n"),
    ("&nbsp; &amp; &copy;", "<p>&nbsp; &amp; ©</p>\n"),
    ("&#35; &#1234; &#0;", "<p># Ӓ \ufffd</p>\n"),
    ("&nbsp &x; &#87654321;", "<p>&amp;nbsp &amp;x; &amp;#87654321;</p>\n"),
    ("&#42;foo&#42;", "<p>*foo*</p>\n"),
    # links
    ("[a](https://x.y)", f'<p><a href="https://x.y"{LINK}>a</a></p>\n'),
    ('[a](https://x.y "title")', f'<p><a href="https://x.y"{LINK}>a</a></p>\n'),
    ("[a](<https://x.y/b c>)", f'<p><a href="https://x.y/b%20c"{LINK}>a</a></p>\n'),
    ("[a](https://x.y/(b))", f'<p><a href="https://x.y/(b)"{LINK}>a</a></p>\n'),
    ("[a] (https://x.y)", f'<p>[a] (<a href="https://x.y"{LINK}>https://x.y</a>)</p>\n'),
    ("[a *b*](https://x.y)", f'<p><a href="https://x.y"{LINK}>a <em>b</em></a></p>\n'),
    (
        "[a [b](https://x.y)](https://z.z)",
        f'<p>[a <a href="https://x.y"{LINK}>b</a>](<a href="https://z.z"{LINK}>https://z.z</a>)</p>\n',
    ),
    ("[foo][bar]\n\n[bar]: https://x.y", f'<p><a href="https://x.y"{LINK}>foo</a></p>\n'),
    ("[FOO]\n\n[foo]: https://x.y 'title'", f'<p><a href="https://x.y"{LINK}>FOO</a></p>\n'),
    ("[foo][]\n\n[foo]: <https://x.y>", f'<p><a href="https://x.y"{LINK}>foo</a></p>\n'),
    ("[foo]", "<p>[foo]</p>\n"),
    ("[foo]: https://x.y", ""),
    ("<https://x.y/?a=b&c>", f'<p><a href="https://x.y/?a=b&amp;c"{LINK}>https://x.y/?a=b&amp;c</a></p>\n'),
    ("<a@b.cd>", f'<p><a href="mailto:a@b.cd"{LINK}>a@b.cd</a></p>\n'),
    ("< https://x.y >", f'<p>&lt; <a href="https://x.y"{LINK}>https://x.y</a> &gt;</p>\n'),
    # tables
    (
        "| a |\n| - |",
        f'{TABLE}<table><thead><tr><th scope="col">a</th></tr></thead></table></div>',
    ),
    ("| a | b |\n| - |\n| x |", "<p>| a | b |\n| - |\n| x |</p>\n"),
    # tabs
    ("- foo\n\n\tbar", "<ul>\n<li>\n<p>foo</p>\n<p>bar</p>\n</li>\n</ul>\n"),
    ("#\tFoo", "<h3>Foo</h3>\n"),
    ("*\t*\t*\t", "<hr>\n"),
    # precedence
    ("- `one\n- two`", "<ul>\n<li>`one</li>\n<li>two`</li>\n</ul>\n"),
    ("*a `*`*", "<p><em>a <code>*</code></em></p>\n"),
]


def even(html: str) -> str:
    """Without the line ends beside tags, which mean nothing."""
    return re.sub(r"\n(?=<)|(?<=>)\n", "", html)


@pytest.mark.parametrize(("source", "expected"), EXAMPLES)
def test_an_example_of_the_specification(source: str, expected: str) -> None:
    assert even("".join(render_document(source))) == even(expected)


@pytest.mark.parametrize(("source", "expected"), EXAMPLES)
def test_the_same_example_fed_character_by_character(source: str, expected: str) -> None:
    closed: list[str] = []
    tail, references, defines = "", {}, False
    for character in source:
        tail += character
        segment = render_open(tail, references, final=False)
        closed += segment.closed
        tail, references, defines = tail[segment.consumed :], segment.references, defines or segment.defines
    segment = render_open(tail, references, final=True)
    assert defines or segment.defines or even("".join(closed + segment.closed)) == even(expected)
