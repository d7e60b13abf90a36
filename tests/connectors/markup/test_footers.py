from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kibcase_connectors.markup import strip_kibana_footer

URL = "https://kibana.example:5601/s/soc/app/security/cases/0f3"
FOOTERS = [
    "\n\nAdded by elastic.",
    "\n\nAdded by Zoë O'Neil (SOC, Tier 2).",
    "\n\nAdded by elastic. For more details, view this case in Kibana.",
    f"\n\nAdded by elastic.\nFor more details, view this case in Kibana.\nCase URL: {URL}",
    f"\r\n\r\nAdded by elastic.\r\nFor more details, view this case in Kibana.\r\nCase URL: {URL}\r\n",
    f"\n\nAdded by elastic.\nCase URL: {URL}",
    f"\n\nAdded by elastic.\nFor more details, view the alerts in Kibana.\nAlerts URL: {URL}",
    " (created at 2020-03-13T08:34:53.450Z by Elastic User)",
    " (updated at 2020-03-13T08:34:53.450Z by Elastic (Admin))",
    "\n(added at 2020-03-13T08:34:53.450Z by elastic)",
]


@pytest.mark.parametrize("footer", FOOTERS)
@pytest.mark.parametrize("text", ["Phishing wave", "a\n\nb (see c)", "x\n\nAdded by hand", "", "(created at noon)"])
def test_a_footer_at_the_end_goes(text: str, footer: str) -> None:
    assert strip_kibana_footer(text + footer) == text


@pytest.mark.parametrize(
    "text",
    [
        "Added by Bob.",
        "Note:\nAdded by Bob.",
        "x\n\nAdded by Bob.\n\nThen more happened",
        "x\n\nAdded by Bob",
        "x\n\nAdded by Bob.\nand Carol",
        "x (created at 2020-03-13T08:34:53.450Z by elastic) y",
        "x (created by elastic)",
        "x(created at 2020-03-13T08:34:53.450Z by elastic)",
        f"x\n\nCase URL: {URL}",
        "",
    ],
)
def test_text_that_only_looks_like_a_footer_stays(text: str) -> None:
    assert strip_kibana_footer(text) == text


def test_footers_of_several_pushes_go_together() -> None:
    assert strip_kibana_footer("x" + FOOTERS[0] + FOOTERS[3] + FOOTERS[7]) == "x"


@given(st.text(max_size=40), st.lists(st.sampled_from(FOOTERS), max_size=4))
def test_stripping_twice_is_stripping_once(text: str, footers: list[str]) -> None:
    once = strip_kibana_footer(text + "".join(footers))
    assert strip_kibana_footer(once) == once


@pytest.mark.parametrize("piece", ["\n\nAdded by a.", "\n\nAdded by ", " (created at 1111 by a)", "\n"])
def test_hostile_text_is_stripped_in_bounded_steps(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    assert strip_kibana_footer("x" + text).startswith("x")
