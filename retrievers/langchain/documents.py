"""A hit as a LangChain document."""

from __future__ import annotations

from langchain_core.documents import Document

from retrievers.found import Found, Hit

__all__ = ["documents_of"]


def documents_of(found: Found) -> list[Document]:
    """One document a hit, best first; its id is `corpus/id`, its metadata say what it is and why it was found."""
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
            "relevance": hit.relevance,
            "ranks": dict(hit.ranks),
            "similarities": dict(hit.similarities),
            "sentence": hit.sentence,
            "duplicates": list(hit.duplicates),
            "confusable": list(hit.confusable),
            "relation": hit.relation,
            "neighbour_of": hit.neighbour_of,
            "drawn": record.drawn,
        },
    )
