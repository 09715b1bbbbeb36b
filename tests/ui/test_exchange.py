from app.answers import DomainSeen, Done, EvidenceChosen, Stage, TextPiece
from corpora.records import Region
from tests.ui.scripted import EVIDENCE, SELECTION, answer, domain
from ui.chat.exchange import Exchange, Marked, Upload, after, failed, stopped


def test_events_build_up_an_exchange() -> None:
    exchange = Exchange("Is there an effusion?")
    exchange = after(exchange, Stage("searching"))
    assert exchange.stage == "searching"
    exchange = after(exchange, DomainSeen(domain()))
    exchange = after(exchange, EvidenceChosen(EVIDENCE, SELECTION))
    assert exchange.selection == SELECTION.reason
    exchange = after(after(exchange, TextPiece("Blunting ")), TextPiece("[1]"))
    assert (exchange.text, exchange.stage, exchange.state) == ("Blunting [1]", "", "asking")
    exchange = after(exchange, Done(answer("Blunting, not supported [1].")))
    assert exchange.state == "done"
    assert exchange.text == "Blunting, not supported [1]."
    assert exchange.turn(pictured=False).answer == exchange.text


def test_what_had_arrived_survives_an_end() -> None:
    partial = after(after(Exchange("?"), Stage("writing")), TextPiece("Half"))
    assert (stopped(partial).text, stopped(partial).state) == ("Half", "stopped")
    assert (failed(partial, "No.").text, failed(partial, "No.").problem) == ("Half", "No.")


def test_asking_again_keeps_the_question_only() -> None:
    upload = Upload(b"png", "data:")
    part = Marked("picture", Region(0, 0, 4, 4), "data:")
    done = after(Exchange("?", (upload,), carried=True, corpora=("teaching",), marked=part), Done(answer()))
    again = done.again("ultrasound")
    assert (again.question, again.uploads, again.corpora) == ("?", (upload,), ("teaching",))
    assert again.carried
    assert again.region == part.region
    assert (again.domain_asked, again.answer, again.text) == ("ultrasound", None, "")
