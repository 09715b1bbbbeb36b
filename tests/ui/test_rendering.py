from dataclasses import replace

from app.answers import Done, EvidenceChosen
from app.overview import HomeOverview
from corpora.records import Region
from retrievers.contrast import Contrast
from tests.ui.scripted import EVIDENCE, FIGURE, LICENCE, SELECTION, WITH, Scripted, answer, domain
from ui.chat import rendering
from ui.chat.conversations import Conversation
from ui.chat.exchange import Exchange, Marked, Upload, after, failed, stopped

DONE = after(Exchange("Is there an effusion?"), Done(answer()))
HOSTILE = '<script>alert("x")</script>"><img src=x onerror=alert(1)>'


def test_text_from_records_is_escaped_everywhere() -> None:
    record = replace(
        EVIDENCE[0].record,
        id=HOSTILE,
        title=HOSTILE,
        report=HOSTILE,
        caption=HOSTILE + "!",
        mentions=(HOSTILE,),
        modality=HOSTILE,
        study=HOSTILE,
        source=HOSTILE,
        pictures=(replace(EVIDENCE[0].record.pictures[0], view=HOSTILE, description=HOSTILE),),
        licence=replace(LICENCE, name=HOSTILE, attribution=HOSTILE),
    )
    hit = replace(EVIDENCE[0].hit, record=record, sentence=HOSTILE, ranks={HOSTILE: 1}, similarities={})
    found = domain(HOSTILE)
    hostile = answer(HOSTILE, domain=replace(found, reason=HOSTILE), evidence=(replace(EVIDENCE[0], hit=hit),))
    exchange = after(Exchange(HOSTILE), Done(replace(hostile, unsupported=(HOSTILE,), selection=HOSTILE)))
    pages = [
        rendering.exchange_html(exchange, 1, domains=(HOSTILE,)),
        rendering.exchange_html(failed(exchange, HOSTILE), 1),
        rendering.gallery(exchange),
        rendering.history([Conversation("b").with_next(exchange)], ""),
        rendering.empty(None, problem=HOSTILE),
        rendering.contrast(Contrast(HOSTILE, hit, None, 1), exchange),
        rendering.contrast(Contrast("", None, None, 0, HOSTILE), exchange),
        rendering.part(Marked(HOSTILE, Region(0, 0, 1, 1), HOSTILE), HOSTILE),
    ]
    for page in pages:
        assert "<script" not in page
        assert "<img src=x" not in page


def test_verdict_first_with_confidence_in_words_and_number() -> None:
    html = rendering.exchange_html(DONE, 1)
    assert "<strong>Yes</strong>" in html
    assert "likely (0.91)" in html
    assert html.index("<strong>Yes") < html.index("costophrenic")
    assert SELECTION.reason in html


def test_numbers_without_evidence_are_no_buttons() -> None:
    html = rendering.exchange_html(DONE, 1)
    assert 'class="cite" data-number="1"' in html
    assert 'data-number="9"' not in html
    assert "[9]" in html


def test_cited_figures_stand_under_the_answer() -> None:
    html = rendering.exchange_html(DONE, 1)
    assert f'src="evidence/{FIGURE}?size=480"' in html
    assert "<figcaption>[3] Fluid gathers" in html


def test_only_the_last_exchange_can_be_asked_again() -> None:
    domains = Scripted().overview().domains
    last = rendering.exchange_html(DONE, 1, domains=domains)
    assert 'data-event="override_domain"' in last
    assert '<option value="ultrasound">' in last
    assert '<option value="radiology">' not in last
    past = rendering.past_html([DONE])
    assert "data-event" not in past


def test_while_asking_the_stage_is_shown_and_pictures_already_there() -> None:
    asking = after(Exchange("?", stage="searching radiology"), EvidenceChosen(EVIDENCE, SELECTION))
    assert "searching radiology…" in rendering.exchange_html(asking, 1)
    assert f"evidence/{WITH}" in rendering.gallery(asking)


def test_ends_other_than_an_answer_say_so() -> None:
    assert "Stopped by you" in rendering.exchange_html(stopped(Exchange("?")), 1)
    html = rendering.exchange_html(failed(Exchange("?"), "The model is gone; load it."), 1)
    assert 'role="alert">The model is gone; load it.<' in html
    assert 'data-event="ask_again"' in html


def test_outside_every_domain_is_an_answer() -> None:
    outside = after(Exchange("?"), Done(answer("No answer.", "abstained", 0.0, domain=domain(None, 0.1), evidence=())))
    html = rendering.exchange_html(outside, 1, domains=("radiology",))
    assert "outside every domain" in html
    assert "(0.00)" not in html


def test_a_tile_says_what_it_is_and_why_it_was_found() -> None:
    html = rendering.gallery(DONE)
    for text in ("supports", "refutes", "background", "0.88 image→image #1", "drawn, not a patient", "CC0-1.0"):
        assert text in html
    assert html.count('class="tile ') == 4
    assert "<mark>There is blunting of the right costophrenic angle.</mark>" in html
    assert "&lt;script&gt;" in html


def test_a_record_that_was_not_drawn_is_not_called_drawn() -> None:
    passage = replace(DONE, evidence=(EVIDENCE[3],))
    assert "drawn, not a patient" not in rendering.gallery(passage)


def test_the_empty_state_offers_examples_with_their_pictures() -> None:
    html = rendering.empty(Scripted().overview(), Scripted().examples())
    assert html.count('data-event="ask_example"') == 3
    assert html.count("data:image/png;base64,") == 2


def test_without_an_index_the_command_is_shown() -> None:
    assert "curbside index build" in rendering.empty(Scripted(index="").overview())
    bare = HomeOverview("new", (), "", "evidence", "embedded", ())
    assert "curbside corpus teach" in rendering.empty(bare)
    assert "no index yet" in rendering.header(bare)


def test_the_strip_counts_and_warns() -> None:
    html = rendering.header(Scripted().overview())
    for text in ("Curbside", "teaching", "312 cases", "index default v3", "research use, not a medical device"):
        assert text in html


def test_a_copied_answer_names_its_sources() -> None:
    html = rendering.exchange_html(DONE, 1)
    assert "[1] Chest radiograph, right pleural effusion (teaching/case-001, CC0-1.0, drawn, not a patient)" in html


def test_own_pictures_are_shown_from_memory() -> None:
    html = rendering.exchange_html(Exchange("", (Upload(b"", "data:image/jpeg;base64,AA"),)), 1)
    assert 'src="data:image/jpeg;base64,AA"' in html
    assert "What does this picture show?" in html


def test_other_tabs() -> None:
    assert "Illustrated primer" in rendering.corpora_table(Scripted().overview())
    assert "gradio" in rendering.about(Scripted().overview())
    assert "curbside corpus add" in rendering.corpora_table(replace(Scripted().overview(), corpora=()))
    assert "<dialog" in rendering.dialog()
    assert "http" not in rendering.head()
