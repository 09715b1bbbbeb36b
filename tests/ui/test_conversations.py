from ui.chat.conversations import Conversation, Conversations
from ui.chat.exchange import Exchange, Upload


def test_a_browser_sees_its_own_conversations_newest_first() -> None:
    held = Conversations()
    first = Conversation("browser").with_next(Exchange("one"))
    second = Conversation("browser").with_next(Exchange(""))
    other = Conversation("another").with_next(Exchange("three"))
    for conversation in (first, second, other, first):
        held.keep(conversation)
    assert held.of("browser") == (first, second)
    assert [conversation.title for conversation in held.of("browser")] == ["one", "Picture without words"]


def test_a_key_does_not_open_another_browsers_conversation() -> None:
    held = Conversations()
    mine = Conversation("mine").with_next(Exchange("private"))
    held.keep(mine)
    assert held.get("mine", mine.key) == mine
    stranger = held.get("stranger", mine.key)
    assert (stranger.exchanges, stranger.key) != (mine.exchanges, mine.key)
    assert stranger.exchanges == ()


def test_the_longest_untouched_goes_first() -> None:
    held = Conversations(most=2)
    kept = [Conversation("b").with_next(Exchange(str(number))) for number in range(3)]
    for conversation in kept:
        held.keep(conversation)
    assert held.of("b") == (kept[2], kept[1])


def test_pictures_count_against_the_bytes() -> None:
    held = Conversations(most_bytes=100)
    large = [Conversation("b").with_next(Exchange("?", (Upload(b"x" * 80, ""),))) for _ in range(2)]
    for conversation in large:
        held.keep(conversation)
    assert held.of("b") == (large[1],)


def test_a_picture_is_found_by_its_key() -> None:
    held, upload = Conversations(), Upload(b"film", "")
    held.keep(Conversation("b").with_next(Exchange("?", (Upload(b"other", ""), upload))))
    assert held.picture(upload.key) == b"film"
    assert held.picture("") is None


def test_a_question_is_found_by_its_key_with_those_before_it() -> None:
    held = Conversations()
    conversation = Conversation("b").with_next(Exchange("one")).with_next(Exchange("two")).with_next(Exchange("three"))
    held.keep(conversation)
    first, second, _ = conversation.exchanges
    assert held.asked(second.key) == (first, second)
    assert held.asked("another") == ()


def test_the_last_exchange_is_replaced() -> None:
    conversation = Conversation("b").with_next(Exchange("one")).with_next(Exchange("two"))
    assert [item.question for item in conversation.with_last(Exchange("three")).exchanges] == ["one", "three"]
