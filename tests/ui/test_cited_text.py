import pytest

from ui.chat.cited_text import cited_html


def test_numbers_with_evidence_become_buttons() -> None:
    html = str(cited_html("Blunted angle [1] [2].", {1, 2}))
    assert html.count('class="cite"') == 2
    assert 'data-number="2"' in html
    assert 'aria-label="evidence 2"' in html


def test_numbers_without_evidence_stay_text() -> None:
    assert "button" not in cited_html("As stated [7].", {1})
    assert "[7]" in cited_html("As stated [7].", {1})


@pytest.mark.parametrize("cited", ["[1, 3]", "[1,3]", "[1; 3]"])
def test_a_list_of_numbers_becomes_one_button_each(cited: str) -> None:
    assert cited_html(f"Seen {cited}.", {1, 3}).count("<button") == 2


def test_a_list_with_one_unknown_number_keeps_it_as_text() -> None:
    html = cited_html("Seen [1, 9].", {1})
    assert html.count("<button") == 1
    assert "[9]" in html


def test_citations_inside_bold_text_and_lists_are_found() -> None:
    assert cited_html("- **Yes** [1]\n- **no [2]**", {1, 2}).count("<button") == 2


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[1](javascript:alert(1))",
        "![1](http://elsewhere/x.png)",
        "<http://elsewhere>",
        "[1]: http://elsewhere\n\n[1]",
        "```html\n<script>alert(1)</script>\n```",
        '" onmouseover="alert(1)',
    ],
)
def test_nothing_in_a_text_becomes_a_tag_or_an_address(text: str) -> None:
    html = str(cited_html(text, {1}))
    html = html.replace('<button type="button" class="cite" data-number="1" aria-label="evidence 1">', "")
    for forbidden in ("<script", "<img", "<a ", '="'):
        assert forbidden not in html


def test_paragraphs_and_line_breaks_are_kept() -> None:
    assert cited_html("One.\n\nTwo.\nThree.", set()).count("<p>") == 2
    assert "<br" in cited_html("Two.\nThree.", set())
