from pathlib import Path

import pytest

from app.overview import HomeOverview
from corpora.errors import CatalogError
from corpora.records import Region
from tests.ui.scripted import Scripted, png
from ui.chat.handlers import Chat, View, Visitor

CORPORA = ["teaching", "primer"]


@pytest.fixture
def assistant() -> Scripted:
    return Scripted()


@pytest.fixture
def chat(assistant: Scripted, tmp_path: Path) -> Chat:
    return Chat(assistant, tmp_path)


def visitor(key: str = "", page: str = "page") -> Visitor:
    return Visitor(page, "browser", key)


def last(views: list[View], name: str) -> str:
    return str([getattr(view, name) for view in views if getattr(view, name) is not None][-1])


def test_a_question_is_answered_and_kept(chat: Chat, assistant: Scripted) -> None:
    views = list(chat.ask(visitor(), " Is there an effusion? ", [], CORPORA))
    assert views[0].busy is True
    assert views[0].text == ""
    assert views[-1].busy is False
    assert "<strong>Yes</strong>" in last(views, "current")
    assert "Is there an effusion?" in last(views, "history")
    assert assistant.asked[0]["corpora"] is None
    opened = chat.open(visitor(last(views, "key")))
    assert opened.current is not None
    assert "<strong>Yes</strong>" in opened.current


def test_pictures_appear_before_the_text_ends(chat: Chat) -> None:
    views = chat.ask(visitor(), "slow", [], CORPORA)
    for view in views:
        if view.gallery and "evidence/" in view.gallery:
            assert view.current is not None
            assert "asking" in view.current
            break
    chat.stop(visitor())
    list(views)


def test_a_follow_up_carries_the_conversation_and_its_picture(chat: Chat, assistant: Scripted, tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(png())
    first = list(chat.ask(visitor(), "An effusion?", [tmp_path / "film.png"], CORPORA))
    assert first[-1].pictured is True
    key = last(first, "key")
    second = list(chat.ask(visitor(key), "And on the left?", [], ["primer"], same=True))
    assert "An effusion?" in last(second, "past")
    asked = assistant.asked[1]
    assert asked["images"] == ()
    assert asked["corpora"] == ("primer",)
    (turn,) = asked["history"]  # type: ignore[misc]
    assert (turn.question, turn.images) == ("An effusion?", (png(),))  # type: ignore[has-type]
    assert "data:image/jpeg" in last(second, "current")
    list(chat.ask(visitor(key), "What is a meniscus?", [], CORPORA, same=False))
    assert [turn.images for turn in assistant.asked[2]["history"]] == [(), ()]  # type: ignore[attr-defined]


def given(folder: Path, name: str = "film.png", effusion: bool = True) -> Path:
    """A picture as Gradio keeps an upload: in a folder of its own."""
    path = folder / name.partition(".")[0] / name
    path.parent.mkdir()
    path.write_bytes(png(effusion=effusion))
    return path


def test_a_marked_part_is_asked_about_until_it_is_removed(chat: Chat, assistant: Scripted, tmp_path: Path) -> None:
    film = given(tmp_path)
    drawn = chat.mark(visitor(), [film], "0.25,0.5,0.5,1")
    assert drawn.part is not None
    assert "about the outlined part" in drawn.part
    assert film.exists()
    views = list(chat.ask(visitor(), "An effusion?", [film], CORPORA, marked=drawn.marked))
    region = Region(80, 160, 160, 320)
    assert assistant.asked[0]["region"] == region
    assert 'data-region="80,160,160,320"' in last(views, "current")
    assert "x,y,w,h" in last(views, "current")
    assert views[0].marked is not None
    assert views[-1].part is None
    key = last(views, "key")
    list(chat.ask(visitor(key), "And its size?", [], CORPORA, same=True, marked=views[0].marked))
    assert (assistant.asked[1]["images"], assistant.asked[1]["region"]) == ((), region)
    list(chat.ask_again(visitor(key), "ultrasound"))
    assert assistant.asked[2]["region"] == region
    assert chat.open(visitor(key)).marked == views[0].marked
    assert chat.unmark().marked is None
    list(chat.ask(visitor(key), "And its size?", [], CORPORA, same=True))
    assert assistant.asked[3]["region"] is None


def test_a_part_of_another_picture_means_nothing(chat: Chat, assistant: Scripted, tmp_path: Path) -> None:
    film, other = given(tmp_path), given(tmp_path, "other.png", effusion=False)
    marked = chat.mark(visitor(), [film], "0,0,0.5,0.5").marked
    key = last(list(chat.ask(visitor(), "An effusion?", [other, film], CORPORA, marked=marked)), "key")
    list(chat.ask(visitor(key), "And here?", [], CORPORA, same=True, marked=marked))
    list(chat.ask(visitor(key), "In words?", [], CORPORA, marked=marked))
    assert [asked["region"] for asked in assistant.asked] == [None, None, None]


def test_a_part_of_the_last_picture_can_be_asked_about(chat: Chat, assistant: Scripted) -> None:
    key = last(list(chat.ask_example(visitor(), 0, CORPORA)), "key")
    marked = chat.mark(visitor(key), [], "0.5,0,1,1").marked
    list(chat.ask(visitor(key), "What is a meniscus?", [], CORPORA, same=True, marked=marked))
    assert (assistant.asked[1]["images"], assistant.asked[1]["region"]) == ((), Region(160, 0, 320, 320))
    views = list(chat.ask(visitor(key), "", [], CORPORA, same=True, marked=marked))
    assert assistant.asked[2]["images"] == (png(),)
    assert "What does this part of the picture show?" in last(views, "current")


def test_after_an_error_the_pictures_are_given_anew(chat: Chat, assistant: Scripted, tmp_path: Path) -> None:
    key = last(list(chat.ask(visitor(), "error", [given(tmp_path)], CORPORA)), "key")
    list(chat.ask(visitor(key), "An effusion?", [], CORPORA, same=True))
    assert assistant.asked[1]["images"] == (png(),)


def test_what_cannot_be_marked_is_one_sentence(chat: Chat, tmp_path: Path) -> None:
    for pictures, drawn, sentence in (
        ([], "0,0,1,1", "There is no picture"),
        ([given(tmp_path)], "everything", "draw it again"),
        ([tmp_path / "gone" / "film.png"], "0,0,1,1", "cannot be read"),
    ):
        view = chat.mark(visitor(), pictures, drawn)
        assert view.marked is None
        assert sentence in (view.part or "")


def test_another_domain_asks_the_same_again(chat: Chat, assistant: Scripted) -> None:
    key = last(list(chat.ask(visitor(), "An effusion?", [], CORPORA)), "key")
    views = list(chat.ask_again(visitor(key), "ultrasound"))
    assert [asked["domain"] for asked in assistant.asked] == [None, "ultrasound"]
    assert "chosen by you" in last(views, "current")
    assert last(views, "past") == ""


def test_an_example_is_asked_with_its_picture(chat: Chat, assistant: Scripted) -> None:
    list(chat.ask_example(visitor(), 1, CORPORA))
    assert assistant.asked[0]["images"] == (png(effusion=False),)


def test_nothing_to_ask_does_nothing(chat: Chat, assistant: Scripted) -> None:
    assert list(chat.ask(visitor(), "  ", [], CORPORA)) == []
    assert list(chat.ask_again(visitor())) == []
    assert assistant.asked == []


def test_stop_closes_the_stream_and_keeps_what_came(chat: Chat, assistant: Scripted) -> None:
    seen: list[View] = []
    for view in chat.ask(visitor(), "slow", [], CORPORA):
        seen.append(view)
        if view.current and "Blunting" in view.current:
            chat.stop(visitor())
    assert "Stopped by you" in last(seen, "current")
    assert "Blunting" in last(seen, "current")
    assert assistant.closed.wait(30)


def test_a_second_question_waits_for_the_first(chat: Chat, assistant: Scripted, tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(png())
    views = chat.ask(visitor(), "slow", [], CORPORA)
    key = next(views).key
    assert next(views).current
    assert list(chat.ask(visitor(key or ""), "Another?", [tmp_path / "film.png"], CORPORA)) == []
    assert list(chat.ask_again(visitor(key or ""))) == []
    assert (tmp_path / "film.png").exists()
    chat.stop(visitor())
    list(views)
    assert len(assistant.asked) == 1


def test_leaving_shows_nothing_more(chat: Chat, assistant: Scripted) -> None:
    views = chat.ask(visitor(), "slow", [], CORPORA)
    key = next(views).key
    for view in views:
        if view.current and "Blunting" in view.current:
            chat.open(visitor(""))
            break
    assert list(views) == []
    assert assistant.closed.wait(30)
    assert key is not None
    kept = chat.open(visitor(key))
    assert kept.current is not None
    assert "Stopped by you" in kept.current


def test_a_vanished_reader_ends_the_work(chat: Chat, assistant: Scripted) -> None:
    views = chat.ask(visitor(), "slow", [], CORPORA)
    for view in views:
        if view.current and "Blunting" in view.current:
            break
    views.close()  # type: ignore[attr-defined]
    assert assistant.closed.wait(30)


def test_our_errors_are_their_sentence(chat: Chat) -> None:
    views = list(chat.ask(visitor(), "error", [], CORPORA))
    assert "does not answer; start it" in last(views, "current")
    assert views[-1].busy is False


def test_other_errors_are_logged_and_one_sentence(chat: Chat, caplog: pytest.LogCaptureFixture) -> None:
    views = list(chat.ask(visitor(), "bug", [], CORPORA))
    assert "Something went wrong inside Curbside" in last(views, "current")
    assert "ZeroDivisionError" not in last(views, "current")
    assert caplog.records[0].exc_info is not None


def test_an_unreadable_picture_gives_the_words_back(chat: Chat, assistant: Scripted, tmp_path: Path) -> None:
    (tmp_path / "film.png").write_bytes(b"nothing")
    views = list(chat.ask(visitor(), "An effusion?", [tmp_path / "film.png"], CORPORA))
    assert "film.png is not a picture that can be read." in last(views, "current")
    assert views[-1].text == "An effusion?"
    assert assistant.asked == []


def test_without_a_corpus_nothing_is_searched(chat: Chat, assistant: Scripted) -> None:
    assert "tick at least one" in last(list(chat.ask(visitor(), "An effusion?", [], [])), "current")
    assert "tick at least one" in last(list(chat.ask_example(visitor(), 0, [])), "current")
    assert assistant.asked == []


def test_a_home_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    class Broken(Scripted):
        def overview(self) -> HomeOverview:
            raise CatalogError("The catalogue is locked; close the other program.")

    view = Chat(Broken(), tmp_path).open(visitor())
    assert view.current is not None
    assert "The catalogue is locked" in view.current


def test_without_an_index_no_examples_are_offered(tmp_path: Path) -> None:
    view = Chat(Scripted(index=""), tmp_path).open(visitor())
    assert view.current is not None
    assert "curbside index build" in view.current
    assert "ask_example" not in view.current
