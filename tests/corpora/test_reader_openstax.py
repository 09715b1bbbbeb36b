"""The reader of OpenStax-style books."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from corpora.errors import SourceError
from corpora.readers.base import ReaderOptions
from corpora.readers.openstax import OpenStaxReader
from corpora.records import Licence, Record, Skipped

COLLECTION = """<col:collection xmlns:col="http://cnx.rice.edu/collxml" xmlns:md="http://cnx.rice.edu/mdml">
  <col:metadata><md:title>A Book</md:title><md:license url="http://creativecommons.org/licenses/by/4.0/"/></col:metadata>
  <col:content>
    <col:module document="preface"/>
    <col:subcollection><md:title>Part</md:title><col:content>
      <col:subcollection><md:title>The Chest</md:title><col:content>
        <col:module document="m2"/><col:module document="m1"/>
      </col:content></col:subcollection>
    </col:content></col:subcollection>
  </col:content>
</col:collection>"""

MODULE = """<document xmlns="http://cnx.rice.edu/cnxml" xmlns:m="http://www.w3.org/1998/Math/MathML">
  <title>{title}</title><content>{content}</content></document>"""

FIGURE = """<figure id="{key}"><title>A Figure</title>
<media alt="What one sees"><image src="../../media/{file}"/></media>
<caption>A caption.</caption></figure>"""


def write(folder: Path, modules: dict[str, str], collection: str = COLLECTION) -> Path:
    (folder / "collections").mkdir()
    (folder / "media").mkdir()
    (folder / "collections" / "book.collection.xml").write_text(collection)
    for name in ("a.png", "b.png"):
        Image.new("RGB", (4, 4)).save(folder / "media" / name)
    for name, content in modules.items():
        (folder / "modules" / name).mkdir(parents=True)
        text = content if content.startswith("<!") else MODULE.format(title=f"Title {name}", content=content)
        (folder / "modules" / name / "index.cnxml").write_text(text)
    return folder


def read(folder: Path, **options: object) -> tuple[list[Record], list[Skipped]]:
    found = list(OpenStaxReader().read(folder, ReaderOptions("book", **options)))  # type: ignore[arg-type]
    return (
        [item for item in found if isinstance(item, Record)],
        [item for item in found if isinstance(item, Skipped)],
    )


def only(records: list[Record], kind: str) -> Record:
    (found,) = (record for record in records if record.kind == kind)
    return found


def test_a_figure_has_caption_number_picture_and_mentions(tmp_path: Path) -> None:
    content = (
        '<section id="s1"><title>Lung</title><para id="p1">See <link target-id="f1"/> for it.</para>'
        f'<para id="p2">Something else.</para>{FIGURE.format(key="f1", file="a.png")}</section>'
    )
    records, skipped = read(
        write(tmp_path, {"preface": "<para>Hello.</para>", "m1": content, "m2": "<para>Two.</para>"})
    )
    assert not skipped
    figure = only(records, "figure")
    assert figure.id == "m1-f1"
    assert (figure.title, figure.caption, figure.modality) == ("A Figure", "A caption.", "drawing")
    assert figure.domain == "textbook"
    assert figure.mentions == ("See Figure 1.1 for it.",)
    assert figure.pictures[0].description == "What one sees"
    assert Path(figure.pictures[0].source).is_file()
    assert figure.attributes["chapter"] == "The Chest"
    assert figure.licence.name == "CC BY 4.0"
    assert figure.licence.kind == "open"
    passage = next(record for record in records if record.title.endswith("Lung"))
    assert passage.report == "See Figure 1.1 for it. Something else."
    assert passage.attributes["figures"] == ["m1-f1"]
    assert passage.attributes["section"] == ["Title m1", "Lung"]


def test_modules_come_in_the_order_of_the_collection(tmp_path: Path) -> None:
    modules = {
        "m1": "<para>One.</para>",
        "m2": "<para>Two.</para>",
        "preface": "<para>Zero.</para>",
        "z": "<para>Last.</para>",
    }
    records, _ = read(write(tmp_path, modules))
    assert [record.report for record in records] == ["Zero.", "Two.", "One.", "Last."]
    assert records[0].attributes["chapter"] == ""


def test_options_give_domain_and_drawn(tmp_path: Path) -> None:
    folder = write(tmp_path, {"m1": FIGURE.format(key="f", file="a.png").replace('id="f"', 'id="f" type="CT"')})
    records, _ = read(folder, domain="radiology", extra={"drawn": "true"})
    figure = only(records, "figure")
    assert (figure.domain, figure.modality, figure.drawn) == ("radiology", "CT", True)


def test_a_figure_of_several_panels_keeps_all_pictures(tmp_path: Path) -> None:
    panel = '<subfigure><media alt="{0}"><image src="../../media/{0}.png"/></media></subfigure>'
    figure = f'<figure id="f">{panel.format("a")}{panel.format("b")}<caption>Two.</caption></figure>'
    records, _ = read(write(tmp_path, {"m1": figure}))
    assert [picture.description for picture in only(records, "figure").pictures] == ["a", "b"]


def test_a_missing_picture_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    content = FIGURE.format(key="f1", file="gone.png") + FIGURE.format(key="f2", file="a.png")
    records, skipped = read(
        write(tmp_path, {"m1": content, "m2": "<para>Two.</para>", "preface": "<para>Zero.</para>"})
    )
    assert only(records, "figure").id == "m1-f2"
    assert [item.where.endswith("#f1") and "missing" in item.reason for item in skipped] == [True]


@pytest.mark.parametrize(
    "text",
    [
        '<!DOCTYPE a [<!ENTITY x "aaaa"><!ENTITY y "&x;&x;&x;">]><document><title>&y;</title></document>',
        "<!DOCTYPE document><document/>",
        "<!-- cut --><document><title>",
    ],
)
def test_dangerous_and_broken_modules_are_skipped(tmp_path: Path, text: str) -> None:
    records, skipped = read(write(tmp_path, {"m1": text, "m2": "<para>Two.</para>", "preface": "<para>Zero.</para>"}))
    assert [record.report for record in records] == ["Zero.", "Two."]
    assert len(skipped) == 1
    assert "m1" in skipped[0].where


def test_an_entity_in_another_encoding_is_refused_too(tmp_path: Path) -> None:
    folder = write(tmp_path, {"m1": "<para>x</para>", "m2": "<para>Two.</para>", "preface": "<para>Zero.</para>"})
    bomb = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY x "a">]><document>&x;</document>'
    (folder / "modules" / "m1" / "index.cnxml").write_bytes(bomb.encode("utf-16"))
    _, skipped = read(folder)
    assert ["document type" in item.reason for item in skipped] == [True]


def test_a_module_without_file_is_recorded(tmp_path: Path) -> None:
    _, skipped = read(write(tmp_path, {"m1": "<para>One.</para>", "m2": "<para>Two.</para>"}))
    assert ["preface" in item.where for item in skipped] == [True]


def test_passages_are_of_even_length_and_never_cut_a_sentence(tmp_path: Path) -> None:
    sentence = "This sentence, by Smith et al. and others, has about twelve words in all."
    paragraphs = "".join(f"<para>{' '.join([sentence] * 8)}</para>" for _ in range(4))
    long = f"<para>{' '.join([sentence] * 60)}</para>"
    records, _ = read(write(tmp_path, {"m1": f"<section id='s'>{paragraphs}{long}</section>"}))
    assert len(records) > 3
    for record in records:
        assert record.report.startswith("This sentence")
        assert record.report.endswith("in all.")
        assert len(record.report.split()) <= 320
    assert sum(len(record.report.split()) for record in records) == 92 * len(sentence.split())


def test_formulas_tables_and_lists_read_as_text(tmp_path: Path) -> None:
    content = (
        "<para>Area <m:math><m:msup><m:mi>r</m:mi><m:mn>2</m:mn></m:msup></m:math> "
        "in 10<sup>3</sup> of H<sub>2</sub>O.</para>"
        "<list><item>first</item><item>second.</item></list>"
        "<table><tgroup><thead><row><entry>Name</entry><entry>Value</entry></row></thead>"
        "<tbody><row><entry>Water</entry><entry>0</entry></row></tbody></tgroup></table>"
        "<exercise><problem><para>Which?</para></problem></exercise>"
    )
    records, _ = read(write(tmp_path, {"m1": content}))
    assert records[0].report == "Area r^2 in 10^3 of H2O. first. second. Name: Water; Value: 0."


def test_references_are_no_passages_and_a_glossary_is_one(tmp_path: Path) -> None:
    folder = write(tmp_path, {"m1": '<section class="references"><para>Smith 2020.</para></section>'})
    path = folder / "modules" / "m1" / "index.cnxml"
    entry = "<definition><term>pleura</term><meaning>lining of the lung</meaning></definition>"
    glossary = f"<glossary>{entry}</glossary></document>"
    path.write_text(path.read_text().replace("</document>", glossary))
    records, _ = read(folder)
    assert [record.report for record in records] == ["pleura: lining of the lung."]


@pytest.mark.parametrize(
    ("url", "name", "kind"),
    [
        ("http://creativecommons.org/licenses/by-nc-sa/4.0/", "CC BY-NC-SA 4.0", "non-commercial"),
        ("https://creativecommons.org/publicdomain/zero/1.0/", "CC0 1.0", "open"),
        ("https://example.org/terms", "ours", "unclear"),
    ],
)
def test_the_licence_comes_from_the_metadata(tmp_path: Path, url: str, name: str, kind: str) -> None:
    collection = COLLECTION.replace("http://creativecommons.org/licenses/by/4.0/", url)
    records, _ = read(write(tmp_path, {"m1": "<para>One.</para>"}, collection), licence=Licence("ours"))
    assert (records[0].licence.name, records[0].licence.kind) == (name, kind)


def test_a_folder_without_modules_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"index\.cnxml"):
        list(OpenStaxReader().read(tmp_path, ReaderOptions("book")))
