"""Curbside's encoders behind LangChain's interface of embeddings."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.vectorstores import InMemoryVectorStore

from corpora.errors import DecodeError, LicenceError, ModelError, QueryError, UnknownNameError
from indexing.encoders import EncoderPlan, open_encoder
from retrievers import CurbsideEmbeddings
from tests.conftest import picture, png_bytes
from tests.retrievers.conftest import Drawn

TEXTS = ["A pleural effusion blunts the angle.", "Drusen are deposits under the retina."]


def test_texts_are_what_the_sentence_encoder_makes_of_them() -> None:
    embeddings = CurbsideEmbeddings()
    vectors = embeddings.embed_documents(TEXTS)
    np.testing.assert_array_equal(vectors, open_encoder("embedded:sentence").encode_texts(TEXTS).tolist())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, rtol=1e-5)
    assert all(type(value) is float for value in vectors[0])
    assert embeddings.embed_query(TEXTS[0]) == pytest.approx(vectors[0], abs=1e-6)
    assert embeddings.embed_documents([]) == []


def test_awaited_they_are_the_same(drawn: list[Drawn]) -> None:
    async def both() -> tuple[list[list[float]], list[list[float]]]:
        texts = await CurbsideEmbeddings().aembed_documents(TEXTS)
        return texts, await CurbsideEmbeddings("embedded:radiology").aembed_images([drawn[0].data])

    texts, images = asyncio.run(both())
    assert texts == CurbsideEmbeddings().embed_documents(TEXTS)
    assert images == CurbsideEmbeddings("embedded:radiology").embed_images([drawn[0].data])


def test_pictures_share_the_space_of_texts(drawn: list[Drawn]) -> None:
    embeddings = CurbsideEmbeddings("embedded:dermatology")
    pictures = np.array(embeddings.embed_images([drawn[7].data, drawn[8].data]))
    words = np.array(embeddings.embed_documents(["melanoma", "melanocytic nevus"]))
    assert pictures.shape == words.shape == (2, embeddings.encoder.dim)
    np.testing.assert_allclose(np.linalg.norm(pictures, axis=1), 1.0, rtol=1e-5)
    assert embeddings.embed_images([]) == []


def test_a_vector_store_of_langchain_takes_them() -> None:
    store = InMemoryVectorStore(CurbsideEmbeddings())
    store.add_documents([Document(text) for text in TEXTS])
    (nearest,) = store.similarity_search("What are drusen?", k=1)
    assert nearest.page_content == TEXTS[1]


def test_what_cannot_be_embedded_is_told() -> None:
    with pytest.raises(ModelError, match="texts only"):
        CurbsideEmbeddings().embed_images([png_bytes(picture(1, (1, 1)))])
    with pytest.raises(DecodeError, match="not a picture"):
        CurbsideEmbeddings("embedded:radiology").embed_images([b"nothing"])
    with pytest.raises(QueryError, match="give a list"):
        CurbsideEmbeddings("embedded:radiology").embed_images("chest.png")
    with pytest.raises(UnknownNameError, match="no encoder named 'foo'"):
        CurbsideEmbeddings("foo:bar")


def test_the_plan_s_licences_hold() -> None:
    plan = EncoderPlan(sentence="sentence-transformers:somewhere/unclear", licences="open")
    with pytest.raises(LicenceError):
        CurbsideEmbeddings(plan=plan)
