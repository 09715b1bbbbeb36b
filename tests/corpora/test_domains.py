"""The registry of domains."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpora.domains import TEXTBOOK, DomainRegistry, packaged_domains
from corpora.errors import InputError, UnknownNameError

NEEDED = 'title = "Endoscopy"\nmodalities = ["gastroscopy"]\nrole = "an endoscopist"\n'
GOOD = NEEDED + 'aliases = { "OGD" = "gastroscopy" }\n'
WRONG = ["title = ", 'title = "x"', NEEDED.replace('["gastroscopy"]', "3"), NEEDED + "aliases = 3"]


def test_the_packaged_domains() -> None:
    names = {"dermatology", "ophthalmology", "pathology", "radiology", "ultrasound", TEXTBOOK}
    assert set(packaged_domains().names) == names
    assert {domain.name for domain in packaged_domains()} == names
    for domain in packaged_domains():
        assert domain.title
        assert domain.role.startswith(("a ", "an "))
        assert set(domain.aliases.values()) <= set(domain.modalities)


@pytest.mark.parametrize(
    ("domain", "said", "name"),
    [
        ("radiology", "chest X-ray", "chest radiograph"),
        ("radiology", " CXR ", "chest radiograph"),
        ("radiology", "mri", "MR"),
        ("radiology", "CT (head)", "CT"),
        ("radiology", "chest radiograph", "chest radiograph"),
        ("radiology", "something new ", "something new"),
        ("radiology", "", ""),
        ("radiology", "(odd)", "(odd)"),
    ],
)
def test_modalities_by_any_spelling(domain: str, said: str, name: str) -> None:
    assert packaged_domains().get(domain).modality(said) == name


def test_a_site_adds_and_replaces_domains(tmp_path: Path) -> None:
    (tmp_path / "endoscopy.toml").write_text(GOOD)
    (tmp_path / "radiology.toml").write_text(GOOD.replace("Endoscopy", "Our radiology"))
    registry = packaged_domains().with_folder(tmp_path)
    assert "endoscopy" in registry
    assert registry.get("endoscopy").modality("ogd") == "gastroscopy"
    assert registry.get("radiology").title == "Our radiology"
    assert "endoscopy" not in packaged_domains()
    assert packaged_domains().with_folder(tmp_path / "none").names == packaged_domains().names


@pytest.mark.parametrize("text", WRONG)
def test_a_wrong_file_is_told_by_name(tmp_path: Path, text: str) -> None:
    (tmp_path / "endoscopy.toml").write_text(text)
    with pytest.raises(InputError, match=r"endoscopy\.toml is wrong"):
        packaged_domains().with_folder(tmp_path)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownNameError, match=r"named .*\.$"):
        DomainRegistry({}).get("radiology")
    with pytest.raises(UnknownNameError, match="known: dermatology, ophthalmology"):
        packaged_domains().get("radiolgy")
