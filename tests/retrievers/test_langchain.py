"""Curbside in LangChain: the real retriever behind the real interface."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from corpora.errors import QueryError, UnknownNameError
from corpora.home import Home
from retrievers import CurbsideRetriever, Found, Query, Retriever
from tests.retrievers.conftest import Drawn


@pytest.fixture(scope="module")
def opened(drawn_home: Home) -> Iterator[Retriever]:
    with Retriever.open(drawn_home) as retriever:
        yield retriever


@pytest.fixture
def chained(opened: Retriever) -> CurbsideRetriever:
    return CurbsideRetriever(retriever=opened, k=3)


def names(documents: list[Document]) -> list[str | None]:
    return [document.id for document in documents]


def test_documents_say_where_they_come_from(chained: CurbsideRetriever, opened: Retriever) -> None:
    documents = chained.invoke("pleural effusion")
    hits = opened.search(Query(text="pleural effusion"), 3).hits
    assert names(documents) == [f"{hit.record.corpus}/{hit.record.id}" for hit in hits]
    for document, hit in zip(documents, hits, strict=True):
        assert document.page_content == hit.record.text
        assert document.metadata["labels"] == list(hit.record.labels)
        assert document.metadata["ranks"] == dict(hit.ranks)
        assert document.metadata["score"] == hit.score
        assert document.metadata["asked_domain"] == opened.route(Query(text="pleural effusion")).name


def test_it_can_be_awaited_batched_and_chained(chained: CurbsideRetriever) -> None:
    wanted = names(chained.invoke("pleural effusion"))
    assert names(asyncio.run(chained.ainvoke("pleural effusion"))) == wanted
    both = chained.batch(["pleural effusion", "drusen of the retina"])
    assert names(both[0]) == wanted
    assert names(both[1]) != wanted
    assert (chained | RunnableLambda(names)).invoke("pleural effusion") == wanted


def test_options_hold_for_every_question(opened: Retriever, drawn: list[Drawn]) -> None:
    picture = drawn[7]
    seen = CurbsideRetriever(retriever=opened, k=2, options={"images": [picture.data]})
    assert names(seen.invoke("What is this?"))[0] == f"drawn/{picture.case.id}"
    pages = CurbsideRetriever(retriever=opened, options={"corpora": ["book"]})
    assert {document.metadata["corpus"] for document in pages.invoke("pleural effusion")} == {"book"}


def test_an_empty_question_is_refused_as_everywhere(chained: CurbsideRetriever) -> None:
    with pytest.raises(QueryError, match="empty"):
        chained.invoke("  ")


def test_a_batch_is_one_batch_and_each_run_is_traced(
    chained: CurbsideRetriever, opened: Retriever, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []
    whole = Retriever.batch

    def counted(self: Retriever, queries: Sequence[Query], k: int = 10) -> list[Found]:
        asked.append([query.text for query in queries])
        return whole(self, queries, k)

    monkeypatch.setattr(Retriever, "batch", counted)
    seen = Traced()
    texts = ["pleural effusion", "drusen of the retina", "melanoma"]
    documents = chained.batch(texts, config={"callbacks": [seen], "tags": ["night"]})
    assert asked == [texts]
    assert seen.started == texts
    assert seen.ended == [names(one) for one in documents]
    assert seen.tags == [["night"]] * 3
    alone = [chained.invoke(text) for text in texts]
    assert [names(one) for one in documents] == [names(one) for one in alone]
    assert chained.batch([]) == []


def test_one_bad_question_does_not_spoil_a_batch(chained: CurbsideRetriever) -> None:
    seen = Traced()
    first, wrong, last = chained.batch(["drusen", " ", "melanoma"], {"callbacks": [seen]}, return_exceptions=True)
    assert isinstance(wrong, QueryError)
    assert names(first) == names(chained.invoke("drusen"))
    assert names(last) == names(chained.invoke("melanoma"))
    assert (len(seen.ended), len(seen.failed)) == (2, 1)
    with pytest.raises(QueryError, match="empty"):
        chained.batch(["drusen", " "])


def test_what_is_wrong_with_the_options_is_wrong_with_every_question(opened: Retriever) -> None:
    lost = CurbsideRetriever(retriever=opened, options={"corpora": ["nowhere"]})
    outcomes = lost.batch(["drusen", "melanoma"], return_exceptions=True)
    assert len(outcomes) == 2
    assert all(isinstance(outcome, UnknownNameError) for outcome in outcomes)
    with pytest.raises(UnknownNameError, match="no corpus named 'nowhere'"):
        lost.batch(["drusen"])


def test_awaiting_leaves_the_event_loop_free(chained: CurbsideRetriever, monkeypatch: pytest.MonkeyPatch) -> None:
    """The search waits for something that only the loop can do; on the loop's own thread both would stand still."""
    free = threading.Event()
    whole = Retriever.search

    def waiting(self: Retriever, query: Query, k: int = 10) -> Found:
        assert free.wait(30)
        return whole(self, query, k)

    async def ask() -> tuple[list[Document], list[list[Document]]]:
        one = asyncio.create_task(chained.ainvoke("drusen"))
        two = asyncio.create_task(chained.abatch(["drusen", "melanoma"]))
        await asyncio.sleep(0.01)
        free.set()
        return await one, await two

    monkeypatch.setattr(Retriever, "search", waiting)
    one, two = asyncio.run(ask())
    assert names(one) == names(two[0]) == names(chained.invoke("drusen"))


class Traced(BaseCallbackHandler):
    """Notes what LangChain's tracing hears of retrievers."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.tags: list[list[str] | None] = []
        self.ended: list[list[str | None]] = []
        self.failed: list[BaseException] = []

    def on_retriever_start(
        self, serialized: dict[str, Any], query: str, *, tags: list[str] | None = None, **rest: Any
    ) -> None:
        self.started.append(query)
        self.tags.append(tags)

    def on_retriever_end(self, documents: Sequence[Document], **rest: Any) -> None:
        self.ended.append(names(list(documents)))

    def on_retriever_error(self, error: BaseException, **rest: Any) -> None:
        self.failed.append(error)
