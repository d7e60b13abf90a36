from __future__ import annotations

import pytest

from kibcase_connectors.markup import escape_wiki, markdown_to_wiki


@pytest.mark.parametrize(
    ("markdown", "wiki"),
    [
        ("# One\n\n###### Six", "h1. One\n\nh6. Six"),
        ("**b** *i* _i_ ~~s~~ `c`", "*b* _i_ _i_ -s- {{c}}"),
        ("a**b**c `x`y", "a{*}b{*}c {{{}x{}}}y"),
        ("**see http://a.example/x**", "{*}see http://a.example/x{*}"),
        ("**`c`** **[t](http://a.example)**", "*{{c}}* *[t|http://a.example]*"),
        ("```python\nx = {}\n```", "{code:python}\nx = {}\n{code}"),
        ("```\nraw [x] {0}\n```", "{noformat}\nraw [x] {0}\n{noformat}"),
        ("    indented log", "{noformat}\nindented log\n{noformat}"),
        ("> one line", "bq. one line"),
        ("> one\n> two\n>\n> three", "{quote}\none\ntwo\n\nthree\n{quote}"),
        ("- a\n  - b\n    1. c\n- d", "* a\n** b\n**# c\n* d"),
        ("3. a\n4. b", "# a\n# b"),
        ("- a\n\n* b", "* a\n\n* b"),
        ("- a\n\n  ```\n  x\n  ```", "* a\n{noformat}\nx\n{noformat}"),
        ("-\n- b", "* &nbsp;\n* b"),
        ('[t](http://a.example/x "tip")', "[t|http://a.example/x|tip]"),
        ("<http://a.example/>", "[http://a.example/]"),
        ("<soc@a.example>", "[soc@a.example|mailto:soc@a.example]"),
        ("[a|b]: x [REDACTED](http://a.example/a|b])", "\\[a\\|b\\]: x [REDACTED|http://a.example/a%7Cb%5D]"),
        ("![shot](http://a.example/x.png)", "[shot|http://a.example/x.png]"),
        ("![shot](x.png) [t](other)", "shot (x.png) t (other)"),
        ("[x](javascript:alert(1))", "\\[x\\](javascript:alert(1))"),
        ("| a | b |\n|---|:-:|\n| 1 |  |\n| x\\|y | **z** |", "||a||b||\n|1| |\n|x\\|y|*z*|"),
        ("a\n\n---\n\nb", "a\n\n----\n\nb"),
        ("one\\\ntwo  \nthree\nfour", "one\\\\ two\\\\ three\nfour"),
        ("<b>x</b> <!-- y -->", r"<b>x</b> <\!\-\- y \-\->"),
        ("", ""),
    ],
)
def test_notation(markdown: str, wiki: str) -> None:
    assert markdown_to_wiki(markdown) == wiki


@pytest.mark.parametrize(
    ("text", "wiki"),
    [
        (r"C:\Users\x", r"C:\Users\x"),
        (r"\\server\share\*", r"&#92;&#92;server\share&#92;\*"),
        (r"^\d{1,3}(\.\d+)*$", r"\^\d\{1,3\}(\.\d\+)\*$"),
        ("{0} [REDACTED] {code}", r"\{0\} \[REDACTED\] \{code\}"),
        ('{"a": [1, -2]}', r'\{"a": \[1, \-2\]\}'),
        ("10.0.0.1:443 2024-01-02 snake_case e-mail a*b", "10.0.0.1:443 2024-01-02 snake_case e-mail a*b"),
        ("d41d8cd9-8f00-b204 a - b * c", "d41d8cd9-8f00-b204 a - b * c"),
        ("[~admin] ping", r"\[\~admin\] ping"),
        ("h1. x\nbq. y\nh7. z", "h1&#46; x\nbq&#46; y\nh7. z"),
        ("* a\n# b\n- c\n#1\n*# d\n----", "\\* a\n\\# b\n\\- c\n#1\n\\*\\# d\n\\-\\-\\-\\-"),
        ("|a|b|", r"\|a\|b\|"),
        ("!x.png! Stop!", r"\!x.png! Stop!"),
        ("??why?? what?", r"\?\?why\?\? what?"),
        ("a -- b --- c --flag", r"a \-\- b \-\-\- c \-\-flag"),
        ("&lt; &#92; & AT&T;", "&amp;lt; &amp;#92; & AT&T;"),
        ("(x) :) ;-( :D x:D1", r"\(x) :\) ;\-\( &#58;D x:D1"),
        ("http://a.example/a_b_*c*?x=-1- http://b.example/{id}", None),
        ("a\x00b\x1bc\ud800d\ufffee\tf", "abcde\tf"),
        ("مرحبا 漢字 😀 e\u0301 \u202eabc", "مرحبا 漢字 😀 e\u0301 \u202eabc"),
    ],
)
def test_plain_text_is_escaped_only_where_jira_would_take_it_for_markup(text: str, wiki: str | None) -> None:
    if wiki is None:
        assert "http://a.example/a_b_*c*?x=-1" in escape_wiki(text)
        assert r"http://b.example/\{id\}" in escape_wiki(text)
    else:
        assert escape_wiki(text) == wiki


def test_a_terminator_in_a_log_cannot_close_its_macro() -> None:
    wiki = markdown_to_wiki("```\na {noformat} b {NoFormat} {code}\n```\n\n```sql\n{code:sql} {code}\n```")
    raw, code = wiki.split("\n\n")
    assert raw.lower().count("{noformat}") == 2
    assert code.count("{code") == 1 + 1


def test_a_line_in_a_list_item_cannot_become_an_item() -> None:
    assert markdown_to_wiki("- a\n  \\* b\n  # c") == "* a\n\\* b\nc"


def test_markdown_nested_too_deep_for_the_parser_is_carried_over_whole() -> None:
    text = "> " * 30 + "deep"
    assert markdown_to_wiki(text) == f"{{noformat}}\n{text}\n{{noformat}}"


def test_markdown_too_long_to_parse_is_carried_over_whole() -> None:
    text = "**x** " * 10_000
    assert markdown_to_wiki(text) == f"{{noformat}}\n{text}\n{{noformat}}"
