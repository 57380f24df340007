from __future__ import annotations

import re
from html import unescape

import pytest

from conversations.rendering.markdown import render_document
from conversations.rendering.mathml import MAX_SOURCE

from .inspection import faults


def html(text: str) -> str:
    return "".join(render_document(text))


@pytest.mark.parametrize(
    "text",
    [
        "$x^2$",
        "\\(x^2\\)",
        "the area $x^2$.",
        "$x^2$ is 5",
        "($x^2$)",
        "**$x^2$**",
        "- $x^2$",
        "| a |\n|---|\n| $x^2$ |",
    ],
)
def test_a_formula_in_a_line_becomes_mathml(text: str) -> None:
    assert '<math display="inline"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>' in html(text)


@pytest.mark.parametrize(
    "text",
    [
        "$$x^2$$",
        "$$\nx^2\n$$",
        "\\[x^2\\]",
        "\\[\nx^2\n\\]",
        "before\n$$\nx^2\n$$\nafter",
        "before\n\\[\nx^2\n\\]\nafter",
        "> $$\n> x^2\n> $$",
        "1. one\n   $$\n   x^2\n   $$",
        "inside $$x^2$$ a line",
        "inside \\[x^2\\] a line",
        "over $$\nx^2\n$$ lines",
    ],
)
def test_a_displayed_formula_becomes_a_block_of_mathml(text: str) -> None:
    assert '<math display="block"><mrow><msup><mi>x</mi><mn>2</mn></msup></mrow></math>' in html(text)


def test_an_environment_of_its_own_is_a_formula() -> None:
    rendered = html("\\begin{align}\na &= b \\\\\nc &= d\n\\end{align}")
    assert rendered.count("<mtr>") == 2 and "<mtable" in rendered


@pytest.mark.parametrize(
    "text",
    [
        "It costs $5 and $10.",
        "$1-$2",
        "$20,000 and $30k",
        "`$x$`",
        "a $ b $ c",
        "pay $5 or `$x`",
        "\\$x\\$",
        "US$5 to US$6",
        "$ x$",
        "$5\n$6 x",
        "```\n$$\nx\n$$\n```",
        "$$",
        "$$$",
        "\\[ open",
        "\\( open",
        "$$\nopen",
        "$$ open\n\nnext",
    ],
)
def test_prices_code_and_half_a_formula_are_text(text: str) -> None:
    assert "<math" not in html(text) and "math-source" not in html(text)


def test_text_after_an_unclosed_formula_is_not_lost() -> None:
    assert html("$$\nx = 1\n\n# Next") == "<p>$$\nx = 1</p>\n<h3>Next</h3>\n"


@pytest.mark.parametrize(
    "source", ["\\frac{1}{", "\\left(", "{" * 500, "x" * (MAX_SOURCE + 1), "\\def\\a{\\a\\a}\\a", "}{"]
)
def test_what_cannot_be_converted_is_shown_as_its_source(source: str) -> None:
    rendered = html(f"\\({source}\\)")
    assert f'<code class="math-source">{source}</code>' in rendered


@pytest.mark.parametrize(
    "source",
    [
        "\\href{javascript:alert(1)}{x}",
        "\\href{https://evil.example}{x}",
        "\\url{https://evil.example}",
        "\\includegraphics{https://evil.example/x.png}",
        "\\htmlData{a=b}{x}",
        "\\html{<img src=x onerror=alert(1)>}",
        "\\newcommand{\\a}{\\a\\a}\\a",
        "\\let\\a=b",
        "\\newenvironment{a}{b}{c}\\begin{a}\\end{a}",
        "\\text{<img src=x onerror=alert(1)>}",
        "\\text{</math><script>alert(1)</script>}",
        "\\text{&lt;script&gt;&#60;script&#62;}",
        "<script>alert(1)</script>",
        "\\style{color:red}{x}",
        "\\class{x}{y}",
        "\\cssId{x}{y}",
        "\\color{red}{x}",
        "\\rule{1000em}{1000em}",
        "\\hspace{-1000em}x",
        "\\raisebox{1000em}{x}",
        "\\kern 9999em x",
    ],
)
def test_a_formula_brings_no_link_no_element_and_no_distance_of_its_own(source: str) -> None:
    rendered = render_document(f"\\({source}\\)") + render_document(f"\\[{source}\\]")
    assert faults(rendered) == []
    assert '="1000em' not in "".join(rendered) and '="-1000em' not in "".join(rendered)


def test_small_distances_stay() -> None:
    assert 'width="1em"' in html("$a\\hspace{1em}b$") or 'width="1em"' in html("$a\\quad b$")


@pytest.mark.parametrize("source", ["\\log n", "\\sin x", "\\log_2 n", "\\max_i a_i", "2\\cos x"])
def test_a_named_function_stands_apart_from_what_follows(source: str) -> None:
    assert html(f"${source}$").count('<mspace width="0.1667em">') == 1


@pytest.mark.parametrize("source", ["f(n)", "\\sin(x)", "ab", "a \\le b", "a + b", "12 x"])
def test_nothing_else_does(source: str) -> None:
    assert "mspace" not in html(f"${source}$")


@pytest.mark.parametrize(
    ("script", "element"), [("^{-1}", "msup"), ("_n", "msub"), ("_n^T", "msubsup"), ("^T", "msup")]
)
def test_a_script_at_a_bracketed_matrix_stands_at_brackets_and_matrix(script: str, element: str) -> None:
    rendered = html(f"$$\\begin{{pmatrix}} a & b \\end{{pmatrix}}{script}$$")
    matrix = "<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr></mtable>"
    assert f"<{element}><mrow><mo>(</mo>{matrix}<mo>)</mo></mrow>" in rendered


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("\\mathop{x}", "<mrow><mrow><mi>x</mi></mrow></mrow>"),
        ("\\mathop{\\sum\\sum}_i", "<msub><mrow><mrow><mo>∑</mo><mo>∑</mo></mrow></mrow><mi>i</mi></msub>"),
        ("a\\mathbin{+}b", "<mo>+</mo>"),
        ("\\mathrel{=}", "<mo>=</mo>"),
        ("\\mathopen{(}", ">(</mo>"),
    ],
)
def test_what_a_formula_gives_another_role_stays_in_it(source: str, shown: str) -> None:
    assert shown in html(f"${source}$")


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("\\bigl\\{x\\bigr\\}", "{x}"),
        ("\\Big\\|x\\Big\\|", "‖x‖"),
        ("\\biggl\\langle x\\biggr\\rangle", "⟨x⟩"),
        ("\\big\\lfloor x\\big\\rfloor", "⌊x⌋"),
        ("\\operatorname{arg\\,max}_x", "argmaxx"),
        ("\\operatorname*{arg\\,min}_x", "argminx"),
        ("\\arg z", "argz"),
        ("a = b \\label{eq:sum}", "a=b"),
        ("\\begin{aligned}a&=b\\\\[0.5em]c&=d\\\\ [-2 pt] [e]\\end{aligned}", "a=bc=d[e]"),
        ("\\begin{align}a&=b\\tag{7}\\\\c&=d\\notag\\end{align}", "a=b(7)c=d"),
        ("\\begin{align}a&=b\\notag\\\\c&=d\\end{align}", "a=bc=d(1)"),
        ("\\text{100\\% of a\\_b}", "100%\xa0of\xa0a_b"),
        ("\\text{if $x>0$ only}", "if\xa0x>0\xa0only"),
        ("\\alpha\\unknown", "α\\unknown"),
    ],
)
def test_a_formula_shows_its_signs_and_not_the_commands_for_them(source: str, shown: str) -> None:
    text = unescape(re.sub("<[^>]*>", "", html(f"\\[{source}\\]"))).strip("\n")
    assert text == shown


@pytest.mark.parametrize("name", ["\\lim", "\\max", "\\limsup", "\\operatorname*{argmax}"])
def test_a_limit_stands_below_its_name(name: str) -> None:
    rendered = html(f"\\[{name}_{{x}} y\\]")
    assert '<munder><mo movablelimits="true">' in rendered and "<msub" not in rendered


def test_the_letter_of_a_unit_stands_upright() -> None:
    assert '<mi mathvariant="normal">C</mi>' in html("$25\\,\\mathrm{C}$")


@pytest.mark.parametrize(
    ("opening", "closing"),
    [
        ("aligned", "aligned"),
        ("aligned}[t", "aligned"),
        ("alignedat}{2", "alignedat"),
        ("alignat*}{1", "alignat*"),
        ("flalign", "flalign"),
        ("gather*", "gather*"),
        ("gathered", "gathered"),
        ("multline", "multline"),
        ("eqnarray", "eqnarray"),
        ("dcases", "dcases"),
        ("rcases", "rcases"),
        ("cases", "cases"),
        ("split", "split"),
    ],
)
def test_lines_and_columns_of_an_environment_are_a_table(opening: str, closing: str) -> None:
    end = "]" if "[" in opening else "}"
    rendered = html(f"$$\\begin{{{opening}{end} a &= b \\\\ c &= d \\notag \\end{{{closing}}}$$")
    assert rendered.count("<mtr>") == 2 and rendered.count("<mtd") >= 4
    assert re.sub("<[^>]*>", "", rendered).strip("{}\n") == "a=bc=d"


@pytest.mark.parametrize(
    ("columns", "rows", "columns_lined", "rows_lined"),
    [
        ("cc|c", "1&2&3 \\\\ 4&5&6", "0 1 0 0 1 0", "0 0"),
        ("c|c", "1&2 \\\\ \\hline 3&4 \\\\ 5&6", "1 0 1 0 1 0", "1 0 0"),
        (
            "|l||r|",
            "\\hline 1&2 \\\\ \\hline\\hline 3&4 \\\\ 5&6 \\\\ \\hline",
            "1 0 1 0 1 0",
            "1 0 0",
        ),
        ("c|c|c", "1&2 \\\\ 3", "1 1 1", "0 0"),
        ("cc", "1&2", "0 0", "0"),
    ],
)
def test_the_lines_between_columns_and_rows_stand_at_their_cells(
    columns: str, rows: str, columns_lined: str, rows_lined: str
) -> None:
    """Browsers draw none of their own; those around the whole are left out."""
    rendered = html(f"\\[\\begin{{array}}{{{columns}}} {rows} \\end{{array}}\\]")
    for tag, attribute, lined in (("mtd", "columnlines", columns_lined), ("mtr", "rowlines", rows_lined)):
        found = re.findall(f"<{tag}[^>]*>", rendered)
        assert " ".join(str(int(f'{attribute}="solid"' in one)) for one in found) == lined
