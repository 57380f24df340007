from __future__ import annotations

from conversations.rendering.plain import CHUNK, plain_blocks

from .inspection import Inspector, faults


def test_a_text_is_escaped_and_nothing_more() -> None:
    assert plain_blocks('<b> & "x" **y**\n https://a.example') == [
        '<p class="plain">&lt;b&gt; &amp; "x" **y**\n https://a.example</p>'
    ]


def test_nothing_becomes_nothing() -> None:
    assert plain_blocks("") == []


def test_a_long_text_comes_in_pieces_cut_at_line_ends_with_nothing_lost() -> None:
    text = "word " * 9 + "\n"
    blocks = plain_blocks(text * 1000)
    assert all(block.endswith("\n</p>") and len(block) <= CHUNK + 30 for block in blocks)
    assert Inspector("".join(blocks)).text == text * 1000


def test_a_text_without_line_ends_is_cut_all_the_same() -> None:
    blocks = plain_blocks("x" * (CHUNK * 2 + 1))
    assert [len(Inspector(block).text) for block in blocks] == [CHUNK, CHUNK, 1]


def test_line_ends_become_one_kind() -> None:
    assert plain_blocks("a\r\nb\rc") == ['<p class="plain">a\nb\nc</p>']


def test_hidden_characters_are_shown() -> None:
    (rendered,) = plain_blocks("a\U000e0041\U000e0042b\x1b[31m\0")
    assert rendered == '<p class="plain">a\ufffdb\u241b[31m\ufffd</p>'
    assert faults([rendered]) == []
