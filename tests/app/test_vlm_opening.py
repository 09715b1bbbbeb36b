"""Opening vision-language models: folders, the self-test, and every way in which it can go wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

import pytest

from app.generators.vlm import VlmGenerator, open_vlm
from corpora.errors import InputError, ModelError
from tests.app.conftest import Opener
from tests.app.prompts import make_prompt, pictures
from tests.app.tiny_checkpoints import save_checkpoint


def _text(generator: VlmGenerator, count: int = 1) -> str:
    return "".join(piece.text for piece in generator.stream(make_prompt(images=pictures(count))))


class TestFolders:
    def test_a_folder_is_never_looked_for_on_a_network(
        self, open_tiny: Opener, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from huggingface_hub import constants

        asked: list[object] = []
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr("socket.socket.connect", lambda _, address: asked.append(address))
        monkeypatch.setattr("socket.getaddrinfo", lambda *address, **_: asked.append(address))
        assert _text(open_tiny("qwen3-vl", "max_tokens=2"))
        assert asked == []

    def test_a_folder_that_is_quantised_already_stays_as_it_is(self, open_tiny: Opener, checkpoints: Path) -> None:
        made = open_tiny("gemma3", "check=off")
        made.model.save_pretrained(checkpoints / "four-bit")
        made.chat.processor.save_pretrained(checkpoints / "four-bit")
        reopened = open_tiny("four-bit", "quant=none&max_tokens=4")
        assert sum(type(module).__name__ == "Linear4bit" for module in reopened.model.modules()) == 14
        assert _text(reopened)

    def test_a_folder_may_lie_below_the_working_directory(
        self, checkpoints: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(checkpoints.parent)
        generator = open_vlm(f"{checkpoints.name}/llava?max_tokens=2", "cpu", tmp_path)
        assert generator.spec == f"vlm:{checkpoints.name}/llava?max_tokens=2"

    def test_a_template_kept_with_the_tokenizer_is_found(self, checkpoints: Path) -> None:
        folder = save_checkpoint("llava", checkpoints / "old-template")
        template = folder / "chat_template.jinja"
        settings = folder / "tokenizer_config.json"
        settings.write_text(json.dumps({**json.loads(settings.read_text()), "chat_template": template.read_text()}))
        template.unlink()
        assert _text(cast("VlmGenerator", open_vlm(f"{folder}?max_tokens=2", "cpu", Path())))

    def test_no_template_at_all_is_refused(self, checkpoints: Path) -> None:
        folder = save_checkpoint("llava", checkpoints / "no-template")
        (folder / "chat_template.jinja").unlink()
        with pytest.raises(ModelError, match=r"no chat template; add chat_template\.jinja"):
            open_vlm(str(folder), "cpu", Path())


class TestBlindness:
    @pytest.fixture
    def blind(self, checkpoints: Path) -> Path:
        """LLaVA whose projector forgets the picture."""
        import torch
        from safetensors.torch import load_file, save_file

        folder = save_checkpoint("llava", checkpoints / "blind")
        weights = load_file(folder / "model.safetensors")
        touched = [name for name in weights if "multi_modal_projector" in name and name.endswith("weight")]
        assert touched
        for name in touched:
            weights[name] = torch.zeros_like(weights[name])
        save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
        return folder

    def test_a_blind_model_is_refused(self, blind: Path) -> None:
        with pytest.raises(ModelError, match="is blind"):
            open_vlm(str(blind), "cpu", Path())

    def test_unless_the_check_is_off(self, blind: Path) -> None:
        assert _text(cast("VlmGenerator", open_vlm(f"{blind}?check=off&max_tokens=4", "cpu", Path())))

    def test_a_template_without_pictures_is_refused(self, checkpoints: Path) -> None:
        folder = save_checkpoint("qwen3-vl", checkpoints / "no-place")
        template = folder / "chat_template.jinja"
        template.write_text(template.read_text().replace("<|image_pad|>", ""))
        with pytest.raises(ModelError, match=r"takes no picture|is blind"):
            open_vlm(str(folder), "cpu", Path())


class TestErrors:
    @pytest.mark.parametrize(
        ("options", "said"),
        [
            ("quant=int4", "quant cannot be 'int4'; known: nf4, int8, none"),
            ("quant=", "quant cannot be ''"),
            ("dtype=int8", "dtype cannot be 'int8'; known: auto, bfloat16"),
            ("max_tokens=0", "max_tokens cannot be '0'"),
            ("max_tokens=many", "max_tokens cannot be 'many'"),
            ("check=maybe", "check cannot be 'maybe'; known: on, off"),
            ("temperature=1", "no option 'temperature'; known: check, dtype, max_tokens, quant"),
        ],
    )
    def test_wrong_options_name_the_known_ones(self, options: str, said: str) -> None:
        with pytest.raises(InputError, match=said):
            open_vlm(f"llava?{options}", "cpu", Path())

    @pytest.mark.parametrize("name", ["./missing", "/no/such/folder", "models/of/mine", "model"])
    def test_a_missing_folder(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="There is no folder"):
            open_vlm(name, "cpu", tmp_path)

    def test_a_hub_model_that_is_not_here(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match="not in the hub's cache, and the hub is not reached"):
            open_vlm("nobody/no-such-model", "cpu", tmp_path)

    def test_an_empty_folder(self, tmp_path: Path) -> None:
        with pytest.raises(ModelError, match=r"holds no config\.json"):
            open_vlm(str(tmp_path), "cpu", Path())

    def test_a_model_that_reads_no_pictures(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text('{"model_type": "llama", "architectures": ["LlamaForCausalLM"]}')
        with pytest.raises(ModelError, match="'llama' model, which does not answer about pictures"):
            open_vlm(str(tmp_path), "cpu", Path())

    def test_a_damaged_configuration(self, tmp_path: Path) -> None:
        (tmp_path / "config.json").write_text("{")
        with pytest.raises(ModelError, match="cannot be opened"):
            open_vlm(str(tmp_path), "cpu", Path())

    def test_weights_cut_short(self, checkpoints: Path) -> None:
        folder = save_checkpoint("llava", checkpoints / "cut")
        weights = folder / "model.safetensors"
        weights.write_bytes(weights.read_bytes()[:5000])
        with pytest.raises(ModelError, match="cannot be opened"):
            open_vlm(str(folder), "cpu", Path())

    def test_weights_that_are_missing_are_not_made_up(self, checkpoints: Path) -> None:
        from safetensors.torch import load_file, save_file

        folder = save_checkpoint("llava", checkpoints / "gaps")
        weights = load_file(folder / "model.safetensors")
        kept = {name: tensor for name, tensor in weights.items() if "layers.1.mlp" not in name}
        assert 0 < len(kept) < len(weights)
        save_file(kept, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(ModelError, match=r"lacks \d+ of its weights"):
            open_vlm(str(folder), "cpu", Path())

    def test_a_device_that_is_not_there(self, checkpoints: Path) -> None:
        with pytest.raises(ModelError, match="no device 'cuda:77'"):
            open_vlm("llava", "cuda:77", checkpoints)
        with pytest.raises(InputError, match="'toaster' is no device"):
            open_vlm("llava", "toaster", checkpoints)
