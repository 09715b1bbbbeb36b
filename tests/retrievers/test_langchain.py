"""Curbside in LangChain: the real retriever behind the real interface."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from langchain_core.documents import Document
from langchain_core.runnables import RunnableLambda

from corpora.errors import QueryError
from corpora.home import Home
from retrievers import CurbsideRetriever, Query, Retriever
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
