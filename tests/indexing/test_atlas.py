"""The atlas: which entries, where they lie, and what the page and the PNG hold."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from corpora.catalog import Catalog
from corpora.errors import InputError, MissingDependencyError, UnknownNameError
from corpora.home import Home
from corpora.images import ImageStore
from corpora.records import Record
from indexing.atlas import Atlas, AtlasOptions, draw_atlas, write_page, write_plot
from indexing.atlas.layout import agreement, lay_out
from indexing.atlas.points import shares, telling_label, thumbnail
from indexing.encoders import EncoderPlan
from indexing.encoders.base import Encoder, EncoderContext
from indexing.jobs import BuildOptions, build_index
from indexing.opened import OpenedIndex
from indexing.shards import IndexFolder
from tests.chromium import BROWSER_MARKS, chromium
from tests.conftest import fill, picture
from tests.indexing.tiny_encoder import TinyEncoder

Rows = NDArray[np.float32]


@pytest.fixture
def clusters() -> Rows:
    """Three heaps of 15 unit rows each."""
    rng = np.random.default_rng(0)
    rows = np.repeat(rng.normal(0, 1, (3, 20)), 15, axis=0) + rng.normal(0, 0.05, (45, 20))
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


class TestLayout:
    """Places on the plane."""

    def test_what_is_near_stays_near(self, clusters: Rows) -> None:
        found = lay_out(clusters, seed=1)
        assert found.places.shape == (45, 2)
        assert found.trustworthiness is not None
        assert found.trustworthiness > 0.9
        middles = found.places.reshape(3, 15, 2).mean(axis=1)
        inside = np.linalg.norm(found.places.reshape(3, 15, 2) - middles[:, None], axis=2).max()
        apart = min(np.linalg.norm(middles[a] - middles[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
        assert inside < apart

    def test_the_same_seed_gives_the_same_places(self, clusters: Rows) -> None:
        assert (lay_out(clusters, 3).places == lay_out(clusters, 3).places).all()

    def test_places_fill_the_width(self, clusters: Rows) -> None:
        places = lay_out(clusters).places
        assert np.abs(places).max() == pytest.approx(1.0, abs=0.05)
        assert places[:, 0].std() >= places[:, 1].std()

    def test_equal_rows_form_a_rosette(self, clusters: Rows) -> None:
        rows = np.concatenate([clusters, np.repeat(clusters[:1], 12, axis=0)])
        places = lay_out(rows).places
        same = places[[0, *range(45, 57)]]
        assert len(np.unique(same, axis=0)) == 13
        assert np.linalg.norm(same - same[0], axis=1).max() < 0.06

    @pytest.mark.parametrize("count", [0, 1, 2, 5, 7])
    def test_few_rows_are_placed_too(self, clusters: Rows, count: int) -> None:
        found = lay_out(clusters[:count])
        assert found.places.shape == (count, 2)
        assert np.isfinite(found.places).all()
        assert len(np.unique(found.places, axis=0)) == count

    def test_only_equal_rows(self, clusters: Rows) -> None:
        assert np.isfinite(lay_out(np.repeat(clusters[:1], 30, axis=0)).places).all()


class TestAgreement:
    """Neighbours in the space that bear the same name."""

    ROWS = np.eye(6, dtype=np.float32)[[0, 0, 0, 1, 1, 1]]

    def test_it_counts_neighbours_and_chance(self) -> None:
        owners = list("pqrstu")
        assert agreement(self.ROWS, ["a"] * 3 + ["b"] * 3, owners, nearest=2) == (1.0, 0.4)
        assert agreement(self.ROWS, ["a", "b", "a", "b", "a", "b"], owners, nearest=2)[0] == pytest.approx(
            1 / 3, abs=0.01
        )

    def test_the_own_patient_does_not_count(self) -> None:
        names = ["a", "a", "b", "b", "b", "b"]
        together, _ = agreement(self.ROWS, names, list("ppqrst"), nearest=1)
        assert together < agreement(self.ROWS, names, list("uvqrst"), nearest=1)[0]

    def test_rows_without_a_name_do_not_count(self) -> None:
        assert agreement(self.ROWS, [""] * 6, list("pqrstu")) == (0.0, 0.0)
        assert agreement(self.ROWS, ["a", "a", "", "", "", ""], list("pqrstu"), nearest=1) == (1.0, 1.0)


def test_shares_give_small_domains_all_they_have() -> None:
    assert shares([1000, 3, 1000], 203) == [100, 3, 100]
    assert shares([4, 5], 100) == [4, 5]
    assert sum(shares([50, 60, 70], 100)) == 100
    assert shares([], 5) == []


def test_a_record_is_coloured_by_the_label_that_tells_most() -> None:
    counts = {"lung": 90, "b-lines": 20, "comet": 1}
    assert telling_label(["lung", "b-lines", "comet"], counts, 5) == "b-lines"
    assert telling_label(["comet"], counts, 5) == "comet"
    assert telling_label([], counts, 5) == ""


def test_thumbnails_are_small() -> None:
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 256, (600, 900, 3), dtype=np.uint8))
    uri = thumbnail(image)
    assert uri.startswith("data:image/webp;base64,")
    assert len(uri) < 6000


@pytest.fixture
def site(home: Home, tiny: EncoderPlan) -> Home:
    """Two clinical domains of two corpora and a textbook without pictures."""
    fill(home, 12, "small")
    fill(home, 8, "other", "dermatology")
    fill(home, 2, "book", "textbook")
    build_index(home, options=BuildOptions(plan=tiny))
    return home


@pytest.fixture
def opened(site: Home) -> OpenedIndex:
    return OpenedIndex.open(IndexFolder(site))


@pytest.fixture
def records(site: Home) -> dict[int, Record]:
    with Catalog.open(site.catalog_url) as catalog:
        return {record.uid: record for record in catalog.records()}


def common() -> Encoder:
    return TinyEncoder("common", EncoderContext())


def never() -> Encoder:
    pytest.fail("the stored vectors suffice")


def drawn(site: Home, opened: OpenedIndex, records: Mapping[int, Record], **options: Any) -> Atlas:
    return draw_atlas(opened, records, ImageStore(site.images), common, AtlasOptions(**options))


class TestDrawing:
    """From an index to panels."""

    def test_a_panel_a_domain_and_one_of_all(self, site: Home, opened: OpenedIndex, records: dict[int, Record]) -> None:
        atlas = drawn(site, opened, records)
        assert [(panel.name, panel.space, len(panel.rows)) for panel in atlas.panels] == [
            ("all domains", "tiny:common", 20),
            ("dermatology", "tiny:dermatology", 8),
            ("radiology", "tiny:radiology", 12),
        ]
        assert atlas.available == len(atlas.points) == len(atlas.thumbnails) == 20
        assert {atlas.points[row].domain for row in atlas.panels[1].rows} == {"dermatology"}
        point = atlas.points[0]
        assert (point.corpus, point.patient.startswith("other/p"), point.label in point.labels) == ("other", True, True)
        assert "domain" in atlas.panels[0].colours
        assert "domain" not in atlas.panels[1].colours
        assert atlas.panels[1].told_apart("domain") == "label"
        assert atlas.panels[0].agreements["domain"][1] == pytest.approx((12 * 11 + 8 * 7) / (20 * 19), abs=0.06)

    def test_a_thumbnail_is_the_picture_of_its_point(
        self, site: Home, opened: OpenedIndex, records: dict[int, Record]
    ) -> None:
        atlas = drawn(site, opened, records, domains=("radiology",))
        for point, small in zip(atlas.points, atlas.thumbnails, strict=True):
            assert small == thumbnail(picture(int(point.record.split("-")[1])))

    def test_one_domain_needs_no_common_space(
        self, site: Home, opened: OpenedIndex, records: dict[int, Record]
    ) -> None:
        options = AtlasOptions(domains=("radiology",))
        atlas = draw_atlas(opened, records, ImageStore(site.images), never, options)
        assert [panel.name for panel in atlas.panels] == ["radiology"]

    def test_texts_of_one_encoder_need_none_either(self, home: Home, tiny: EncoderPlan) -> None:
        fill(home, 8, "small")
        fill(home, 8, "other", "dermatology")
        build_index(home, options=BuildOptions(plan=EncoderPlan(default="tiny:one", sentence=tiny.sentence)))
        with Catalog.open(home.catalog_url) as catalog:
            records = {record.uid: record for record in catalog.records()}
        opened = OpenedIndex.open(IndexFolder(home))
        for side in ("image", "text"):
            atlas = draw_atlas(opened, records, ImageStore(home.images), never, AtlasOptions(side=side))
            assert (atlas.panels[0].name, atlas.panels[0].space) == ("all domains", "tiny:one")

    def test_the_text_side_has_textbooks_too(self, site: Home, opened: OpenedIndex, records: dict[int, Record]) -> None:
        atlas = drawn(site, opened, records, side="text")
        assert [panel.name for panel in atlas.panels] == ["all domains", "dermatology", "radiology", "textbook"]
        pages = [small for point, small in zip(atlas.points, atlas.thumbnails, strict=True) if point.corpus == "book"]
        assert pages == ["", ""]

    def test_at_most_as_many_as_asked_for(self, site: Home, opened: OpenedIndex, records: dict[int, Record]) -> None:
        atlas = drawn(site, opened, records, most=10)
        assert (len(atlas.points), atlas.available) == (10, 20)
        assert [len(panel.rows) for panel in atlas.panels] == [10, 5, 5]
        again = drawn(site, opened, records, most=10)
        assert atlas.points == again.points

    def test_only_the_chosen_corpora(self, site: Home, opened: OpenedIndex, records: dict[int, Record]) -> None:
        assert {point.corpus for point in drawn(site, opened, records, corpora=("other",)).points} == {"other"}

    def test_a_lost_picture_is_left_out_of_the_common_panel(
        self, site: Home, opened: OpenedIndex, records: dict[int, Record]
    ) -> None:
        lost = next(record for record in records.values() if record.domain == "radiology")
        ImageStore(site.images).path(lost.pictures[0].digest).unlink()
        atlas = drawn(site, opened, records)
        assert [len(panel.rows) for panel in atlas.panels] == [19, 8, 12]
        assert atlas.thumbnails.count("") == 1

    @pytest.mark.parametrize(
        ("options", "error", "told"),
        [
            ({"domains": ("astrology",)}, UnknownNameError, "domain in this index named 'astrology'; known: derm"),
            ({"corpora": ("none",)}, UnknownNameError, "corpus named 'none'; known: book, other, small"),
            ({"side": "sentence"}, InputError, "give image or text"),
            ({"most": 0}, InputError, "give 1 or more"),
            ({"corpora": ("book",)}, InputError, "Nothing to draw: no image of the chosen"),
        ],
    )
    def test_what_cannot_be_drawn_is_told(
        self,
        site: Home,
        opened: OpenedIndex,
        records: dict[int, Record],
        options: dict[str, Any],
        error: type[Exception],
        told: str,
    ) -> None:
        with pytest.raises(error, match=re.escape(told)):
            drawn(site, opened, records, **options)


@pytest.fixture
def hostile(site: Home, opened: OpenedIndex, records: dict[int, Record]) -> Atlas:
    """An atlas one of whose records tries to leave its place."""
    uid = next(uid for uid, record in records.items() if record.domain == "dermatology")
    evil = {**json.loads(records[uid].to_json()), "findings": "</script><img src=x onerror=alert(1)>", "caption": ""}
    return drawn(site, opened, {**records, uid: Record.from_json(json.dumps(evil))})


class TestPage:
    """The HTML file."""

    def test_it_names_corpora_licences_and_limits(self, hostile: Atlas, tmp_path: Path) -> None:
        write_page(hostile, tmp_path / "new" / "atlas.html")
        page = (tmp_path / "new" / "atlas.html").read_text(encoding="utf-8")
        assert "Research use, not a medical device" in page
        assert "<td>other</td><td>8</td><td>not stated</td>" in page
        assert "20 of 20" in page

    def test_it_loads_nothing_and_escapes_texts(self, hostile: Atlas, tmp_path: Path) -> None:
        write_page(hostile, tmp_path / "atlas.html")
        page = (tmp_path / "atlas.html").read_text(encoding="utf-8")
        assert "onerror" in page
        assert "<img src=x" not in page
        assert page.count("</script>") == 2
        assert not re.search(r"(src|href)\s*=\s*[\"']?(https?:|//)|@import|url\(|fetch\(|XMLHttp", page)
        assert "default-src 'none'" in page

    def test_its_data_has_every_point_and_panel(self, hostile: Atlas, tmp_path: Path) -> None:
        write_page(hostile, tmp_path / "atlas.html", by="label")
        page = (tmp_path / "atlas.html").read_text(encoding="utf-8")
        found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
        assert found
        data = json.loads(found.group(1))
        assert data["by"] == "label"
        assert [panel["name"] for panel in data["panels"]] == ["all domains", "dermatology", "radiology"]
        assert len(data["points"]) == 20
        corpus, record, domain = data["points"][0][:3]
        assert (data["names"][corpus], record, data["names"][domain]) == (
            "other", hostile.points[0].record, "dermatology",
        )  # fmt: skip


class TestPageInABrowser:
    """The page as it is used."""

    pytestmark = BROWSER_MARKS

    def test_a_browser_draws_filters_and_tells(self, hostile: Atlas, tmp_path: Path) -> None:
        write_page(hostile, tmp_path / "atlas.html")
        wrong: list[str] = []
        with chromium() as browser:
            page = browser.new_page(viewport={"width": 1200, "height": 700})
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda request: wrong.append(request.url) if request.url.startswith("http") else None)
            page.goto((tmp_path / "atlas.html").as_uri())
            assert page.get_by_role("tab").all_inner_texts() == ["all domains", "dermatology", "radiology"]
            assert page.locator("#legend b").all_inner_texts() == ["radiology", "dermatology"]
            page.locator("#legend button").first.click()
            assert page.locator("#count").inner_text() == "8 of 20 shown"
            page.get_by_role("tab", name="dermatology").click()
            assert page.get_by_role("button", name="label").get_attribute("aria-pressed") == "true"
            assert page.locator("#note").inner_text().startswith("Space: tiny:dermatology.")
            box = page.locator("#plane").bounding_box()
            assert box is not None
            panel = hostile.panels[1]
            reach = [max(0.05, float(np.abs(panel.places[:, axis]).max())) for axis in (0, 1)]
            scale = 0.47 * min(box["width"] / reach[0], box["height"] / reach[1])
            x, y = panel.places[0].tolist()
            page.mouse.move(box["x"] + box["width"] / 2 + x * scale, box["y"] + box["height"] / 2 - y * scale)
            assert page.locator("#card").is_visible()
            assert page.locator("#record").inner_text() == f"other/{hostile.points[panel.rows[0]].record}"
            assert str(page.locator("#picture").get_attribute("src")).startswith("data:image/webp")
            page.mouse.move(5, 5)
            assert not page.locator("#card").is_visible()
        assert wrong == []


class TestPlot:
    """The PNG."""

    def test_every_panel_is_drawn(self, hostile: Atlas, tmp_path: Path) -> None:
        write_plot(hostile, tmp_path / "new" / "atlas.png")
        with Image.open(tmp_path / "new" / "atlas.png") as image:
            assert image.format == "PNG"
            assert image.width > 1500
            pixels = np.asarray(image.convert("RGB")).reshape(-1, 3).astype(int)
        blue = np.abs(pixels - (0.85 * np.array((0x44, 0x77, 0xAA)) + 0.15 * 255)).sum(axis=1) < 40
        assert blue.sum() > 200

    def test_without_matplotlib_it_says_what_to_install(
        self, hostile: Atlas, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
        with pytest.raises(MissingDependencyError, match=r"matplotlib.*curbside\[plots\]"):
            write_plot(hostile, tmp_path / "atlas.png")
