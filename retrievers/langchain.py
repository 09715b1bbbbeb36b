"""Curbside as a LangChain retriever."""

from __future__ import annotations

from typing import Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field

from retrievers.found import Hit
from retrievers.query import Query
from retrievers.retriever import Retriever

__all__ = ["CurbsideRetriever"]


class CurbsideRetriever(BaseRetriever):
    """Searches a home; `invoke`, `ainvoke`, `batch` and chains work as with every LangChain retriever.

    `options` are further arguments of `Query` (pictures, corpora, exclusions), the same for every question.

    >>> CurbsideRetriever(retriever=Retriever.open("home"), k=4).invoke("pleural effusion")  # doctest: +SKIP
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    retriever: Retriever
    k: int = 6
    options: dict[str, Any] = Field(default_factory=dict)

    def _get_relevant_documents(self, query: str, *, run_manager: CallbackManagerForRetrieverRun) -> list[Document]:
        found = self.retriever.search(Query(text=query, **self.options), self.k)
        return [_document(hit, found.domain.name) for hit in found.hits]


def _document(hit: Hit, domain: str | None) -> Document:
    record = hit.record
    return Document(
        id=f"{record.corpus}/{record.id}",
        page_content=record.text or ", ".join(record.labels) or record.title,
        metadata={
            "corpus": record.corpus,
            "kind": record.kind,
            "domain": record.domain,
            "asked_domain": domain,
            "modality": record.modality,
            "labels": list(record.labels),
            "licence": record.licence.name,
            "source": record.source,
            "pictures": [picture.digest for picture in record.pictures],
            "score": hit.score,
            "ranks": dict(hit.ranks),
            "similarities": dict(hit.similarities),
            "sentence": hit.sentence,
            "drawn": record.drawn,
        },
    )
