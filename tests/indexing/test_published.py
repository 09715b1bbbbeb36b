"""The registry of published encoders, and which licences the settings let pass."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest

from app.settings import load_settings
from app.wiring import encoder_plan
from corpora.domains import packaged_domains
from corpora.errors import LicenceError, ModelError, SettingsError, UnknownNameError
from corpora.home import Home
from indexing.encoders import EncoderPlan, open_encoder, registry
from indexing.encoders.base import Encoder, EncoderContext
from indexing.encoders.licences import MANIFEST, licence_of, require_allowed, stated_licence
from indexing.encoders.published import (
    LicenceKind,
    Loader,
    Published,
    embedded_encoders,
    find_published,
    published_encoders,
)
from indexing.planning import DomainEncoders
from tests.indexing import tiny_models
from tests.indexing.tiny_encoder import TinyEncoder

BIOMEDCLIP = "open_clip:hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224"


class TestRegistry:
    """What the data file says."""

    @pytest.mark.parametrize("entry", [*published_encoders(), *embedded_encoders()], ids=lambda entry: entry.name)
    def test_an_entry_makes_sense(self, entry: Published) -> None:
        assert entry.title
        assert set(entry.domains) <= {domain.name for domain in packaged_domains()}
        assert entry.domains
        assert entry.licence.kind in get_args(LicenceKind)
        assert entry.loader in get_args(Loader)
        assert bool(entry.why) == (entry.loader == "none")
        assert (entry.licence.name.startswith("not stated")) <= (entry.licence.kind == "unclear")
        assert bool(entry.hub) == (entry.loader != "embedded")

    def test_names_and_hub_ids_are_there_once(self) -> None:
        names = Counter(name for entry in published_encoders() for name in (entry.name, entry.hub))
        assert set(names.values()) == {1}

    def test_an_entry_is_found_by_name_or_hub_id(self) -> None:
        entry = find_published("biomedclip")
        assert entry is not None
        assert find_published(entry.hub.upper()) is entry
        assert find_published("somebody/something") is None
        with pytest.raises(UnknownNameError, match=r"no published encoder named 'clip'; known: biomedclip, biovil-t"):
            find_published("clip")


class TestLicence:
    """Found without opening anything."""

    @pytest.mark.parametrize(
        ("spec", "kind"),
        [
            (BIOMEDCLIP, "open"),
            ("transformers:google/medsiglip-448", "terms"),
            ("open_clip:hf-hub:UzairK/unimed-clip-vit-b16", "non-commercial"),
            ("open_clip:hf-hub:somebody/something", "unclear"),
            ("open_clip:local-dir:models/none", "unclear"),
            ("sentence-transformers:some-model", "unclear"),
            ("embedded:sentence", "open"),
            ("embedded:dentistry", "research"),
            ("nonsense", "unclear"),
        ],
    )
    def test_of_a_spec(self, spec: str, kind: str, tmp_path: Path) -> None:
        assert licence_of(spec, tmp_path).kind == kind

    def test_a_manifest_speaks_before_the_model_card(self, tmp_path: Path) -> None:
        folder = tmp_path / "m"
        folder.mkdir()
        assert stated_licence(folder).kind == "unclear"
        (folder / "README.md").write_text("---\ntags: [x]\nlicense: cc-by-nc-4.0\n---\n# A model\nlicense: mit\n")
        assert (stated_licence(folder).name, stated_licence(folder).kind) == ("cc-by-nc-4.0", "non-commercial")
        (folder / MANIFEST).write_text(json.dumps({"licence": {"name": "our own", "kind": "open"}}))
        assert licence_of("open_clip:local-dir:m", tmp_path).name == "our own"
        assert licence_of("transformers:m", tmp_path).kind == "open"

    @pytest.mark.parametrize(
        "text", ["no header\nlicense: mit\n", "---\nlicense:\n---\n", "---\nlicense: mit\n", "\xff"]
    )
    def test_a_card_that_says_nothing(self, text: str, tmp_path: Path) -> None:
        (tmp_path / "README.md").write_bytes(text.encode("latin-1"))
        assert stated_licence(tmp_path).kind == "unclear"

    @pytest.mark.parametrize("text", ["{", "{}", "[]", '{"licence": 3}', '{"licence": {"name": "x", "kind": "free"}}'])
    def test_a_damaged_manifest_is_told(self, text: str, tmp_path: Path) -> None:
        (tmp_path / MANIFEST).write_text(text)
        with pytest.raises(ModelError, match=MANIFEST):
            stated_licence(tmp_path)

    def test_the_remedy_serves_what_was_fetched_and_what_was_fitted(self, tmp_path: Path) -> None:
        (tmp_path / MANIFEST).write_text("{")
        with pytest.raises(ModelError, match=r"is damaged .*; fetch or fit the encoder again\.$"):
            stated_licence(tmp_path)


class TestOpenOnly:
    """`licences = "open"`."""

    def test_what_is_not_open_is_refused_before_it_is_opened(self, tmp_path: Path) -> None:
        said = r"licence of the weights of transformers:models/x is unclear .* licences = 'open' refuses"
        with pytest.raises(LicenceError, match=said):
            open_encoder("transformers:models/x", folder=tmp_path, licences="open")
        with pytest.raises(ModelError, match=r"no config\.json"):
            open_encoder("transformers:models/x", folder=tmp_path)
        require_allowed(BIOMEDCLIP, tmp_path, "open")
        require_allowed("open_clip:hf-hub:UzairK/unimed-clip-vit-b16", tmp_path, "any")

    def test_an_encoder_opened_before_does_not_slip_through(self, tmp_path: Path) -> None:
        tiny_models.open_clip_folder(tmp_path / "m")
        open_encoder("open_clip:local-dir:m", folder=tmp_path)
        with pytest.raises(LicenceError):
            open_encoder("open_clip:local-dir:m", folder=tmp_path, licences="open")
        (tmp_path / "m" / "README.md").write_text("---\nlicense: apache-2.0\n---\n")
        assert open_encoder("open_clip:local-dir:m", folder=tmp_path, licences="open").has_images

    def test_the_setting_reaches_the_factory_of_every_encoder(
        self, home: Home, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        seen: list[EncoderContext] = []

        def factory(name: str, context: EncoderContext) -> Encoder:
            seen.append(context)
            return TinyEncoder(name, context)

        monkeypatch.setattr(registry, "_factory", lambda kind: factory)
        plan = encoder_plan(load_settings(arguments={"licences": "open", "encoder": "plug:in"}, environment={})[0])
        assert plan.licences == "open"
        DomainEncoders(home, plan)("radiology")
        assert [context.licences for context in seen] == ["open", "open"]

    def test_only_two_values(self) -> None:
        assert load_settings(environment={})[0].licences == EncoderPlan().licences == "any"
        assert load_settings(environment={"CURBSIDE_LICENCES": "open"})[0].licences == "open"
        with pytest.raises(SettingsError, match="The setting licences from environment is wrong"):
            load_settings(environment={"CURBSIDE_LICENCES": "free"})
