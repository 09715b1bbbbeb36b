"""Questions to try, made from what a home holds."""

from __future__ import annotations

from app.examples import examples_of
from corpora.catalog import Catalog, Corpus
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Picture, Record
from tests.conftest import picture, png_bytes


def put(home: Home, corpus: str, number: int, domain: str, label: str, *, stored: bool = True) -> bytes:
    data = png_bytes(picture(number))
    digest, width, height = ImageStore(home.images).add(data)
    if not stored:
        ImageStore(home.images).discard(digest)
    record = Record(
        f"case-{number}", corpus, "case", domain, pictures=(Picture("", digest, width, height),), labels=(label,)
    )
    with Catalog.open(home.catalog_url) as catalog:
        catalog.put_corpus(Corpus(corpus))
        catalog.add([record])
    return data


def test_an_empty_home_offers_a_question_in_words(home: Home) -> None:
    with Catalog.open(home.catalog_url) as catalog:
        (only,) = examples_of(catalog, ImageStore(home.images))
    assert only.image is None
    assert only.text.endswith("?")


def test_pictures_of_the_home_are_offered_drawn_ones_first(home: Home) -> None:
    put(home, "aaa", 1, "radiology", "pleural effusion")
    drawn = put(home, "teaching", 2, "radiology", "pleural effusion")
    skin = put(home, "aaa", 3, "dermatology", "melanoma")
    put(home, "aaa", 4, "radiology", "normal")
    with Catalog.open(home.catalog_url) as catalog:
        found = examples_of(catalog, ImageStore(home.images))
    assert [one.image for one in found] == [drawn, skin, None]
    assert found[0].text == "Is there a pleural effusion?"


def test_a_picture_that_is_gone_is_left_out(home: Home) -> None:
    put(home, "teaching", 1, "radiology", "pleural effusion", stored=False)
    with Catalog.open(home.catalog_url) as catalog:
        assert [one.image for one in examples_of(catalog, ImageStore(home.images))] == [None]
