from __future__ import annotations

from collections.abc import Callable

import pytest

from kibcase_connectors.markup import escape_markdown, wiki_to_markdown


@pytest.mark.parametrize(
    ("wiki", "markdown"),
    [
        ("h1. One\nh6.Six\nh7. x", "# One\n\n###### Six\n\nh7. x"),
        ("*b* _i_ -s- +u+ ??c?? {{m}}", "**b** _i_ ~~s~~ u _c_ `m`"),
        ("2*3*4 a_b_c 1-2-3 * x *", r"2\*3\*4 a_b_c 1-2-3 * x *"),
        ("a{*}b{*}c {{{}x{}}}y", "a**b**c `x`y"),
        ("*a _b_* 10^6^ H~2~O", "**a _b_** 10^6^ H\\~2\\~O"),
        ("{code:java|title=x}\nint a;\n{code}", "```java\nint a;\n```"),
        ("{code:title=A.py|language=py}x{code}", "```py\nx\n```"),
        ("{code}\nx\n{code}\n{noformat}a``` b{noformat}", "```\nx\n```\n\n````\na``` b\n````"),
        ("before {code}x{code} after", "before\n\n```\nx\n```\n\nafter"),
        ("{code} never closed", "{code} never closed"),
        ("{{a {code} b}} {code}", "`a {code} b` {code}"),
        ("bq. said *so*", "> said **so**"),
        ("{quote}\na\n\n* l\n{quote}\nb", "> a\n>\n> - l\n\nb"),
        ("{panel:title=Note|borderStyle=solid}x{panel}", "**Note**\n\nx"),
        ("{quote} open", "{quote} open"),
        ("{panel}a {quote}b{panel} c", "a {quote}b\n\nc"),
        ("{color:red}x *y*{color} z", "x **y** z"),
        ("{jira:ABC-1} {toc}", "{jira:ABC-1} {toc}"),
        ("* a\n** b\n*# c\n- d\nmore\n# e", "- a\n  - b\n  1. c\n- d\n  more\n\n1. e"),
        ("*** deep", "- - - deep"),
        ("* a\n{code}\nx\n{code}\ntail\n* b", "- a\n  ```\n  x\n  ```\n  tail\n- b"),
        ("-- not a list\n---", "-- not a list\n\\---"),
        ("[t|http://a.example/x|tip] [http://a.example]", '[t](http://a.example/x "tip") <http://a.example>'),
        ("[t|https://a.example|smart-link] [mailto:a@b.example]", "[t](https://a.example) <mailto:a@b.example>"),
        ("[~bob] [~accountid:5b1] [^a.txt] [REDACTED]", "@bob @5b1 a.txt \\[REDACTED\\]"),
        ("[x|javascript:alert(1)] [a|b]", "\\[x|javascript:alert(1)\\] \\[a|b\\]"),
        ('!shot.png|thumbnail! !http://a.example/x.png|alt="A"!', "shot.png [A](http://a.example/x.png)"),
        ("wow! really! !no image", "wow! really! !no image"),
        ("||a||b||\n|1|[x\\|y|http://a.example]|\n|2|", None),
        ("|a|b\nc|\n|d|", "|  |  |\n| --- | --- |\n| a | b c |\n| d |"),
        ("||k|{code}x|y{code}|", "|  |  |\n| --- | --- |\n| **k** | `x\\|y` |"),
        ("a\n----\nb", "a\n\n---\n\nb"),
        ("a\\\\b a\\\\ b\\\\\nc", "a\\\nb a\\\nb\\\nc"),
        (r"\\server\share C:\x", r"\\\server\share C:\x"),
        (r"\{x\} \*a\* \[b\] &lt;b&gt; &#92; &bogus;", r"{x} \*a\* \[b\] \<b> \\ \&bogus;"),
        ("a\r\nb\rc\r\n\r\nd", "a\nb\nc\n\nd"),
        ("# x\n#x", "1. x\n   #x"),
        ("1. a\n+ b\n> c\n===\n```\n    d", "1\\. a\n\\+ b\n\\> c\n\\===\n\\`\\`\\`\nd"),
        ("a | b\n-- | --", "a | b\n\\-- | --"),
        ("!{lens{}}", "\\!{lens{}}"),
        ("a\x00\x07b\ufffe", "ab"),
        ("", ""),
    ],
)
def test_notation(wiki: str, markdown: str | None) -> None:
    if markdown is None:
        markdown = "| a | b |\n| --- | --- |\n| 1 | [x\\|y](http://a.example) |\n| 2 |"
    assert wiki_to_markdown(wiki) == markdown


@pytest.mark.parametrize(
    ("wiki", "page"),
    [
        ('x{*}"q"{*}y', '<p>x<strong>"q"</strong>y</p>'),
        ("x{_}{{c}}{_}y", "<p>x<em><code>c</code></em>y</p>"),
        ("*a*_b_-c-", "<p><strong>a</strong><em>b</em><s>c</s></p>"),
        ("*a {_}b{_}c*", "<p><strong>a <em>b</em>c</strong></p>"),
        ("\\x{*}-{*}y", "<p>\\x<strong>-</strong>y</p>"),
        ("yes![x|http://a.example]", '<p>yes!<a href="http://a.example">x</a></p>'),
        ("h2. a #", "<h2>a #</h2>"),
        ("# a\n\n# b", "<ol><li>a</li></ol><ol><li>b</li></ol>"),
    ],
)
def test_emphasis_holds_where_markdown_alone_would_not_see_it(
    html_of: Callable[[str], str], wiki: str, page: str
) -> None:
    assert html_of(wiki_to_markdown(wiki)).replace("&quot;", '"') == page.replace(" <", "<").replace("> ", ">")


def test_escaped_markdown_cannot_start_a_block() -> None:
    assert escape_markdown("# a\n- b\n\n1) c\n&amp; <x>") == "\\# a\n\\- b\n\n1\\) c\n\\&amp; \\<x>"


FRAGMENTS = ["[", "[!", "{", "{{", "{{{}", "*", "a*", "*a ", "_a_", "-a-", "+", "??", "!a", "\\", "\\\\", "&", "&#9"]
FRAGMENTS += ["{code}", "{code", "{quote}{panel}", "{panel}{quote}", "{color:", "|", "|[a", "|a\n", "|{code}x{code}"]
FRAGMENTS += ["* a\n", "****** a\n", "#*", "h1.", "http://", "http://a.", "[a|b]", "[[a]", "\n", " ", "\t", "a", "{*}a"]


@pytest.mark.parametrize("fragment", FRAGMENTS)
def test_hostile_text_is_read_in_bounded_steps(fragment: str) -> None:
    text = fragment * (200_000 // len(fragment))
    markdown = wiki_to_markdown(text)
    assert len(markdown) <= 8 * len(text) + 8
