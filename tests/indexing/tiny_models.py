"""Random models of a few thousand weights, in the folders that open_clip, transformers and their kin read."""

from __future__ import annotations

import json
import string
from pathlib import Path
from typing import Any

from indexing import torchvision_cure

CLIP_CONFIG: dict[str, Any] = {
    "model_cfg": {
        "embed_dim": 16,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "patch_size": 16, "head_width": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
    },
    "preprocess_cfg": {"mean": [0.5, 0.5, 0.5], "std": [0.25, 0.25, 0.25]},
}


BERT_HUB = "someone/tiny-bert"


def open_clip_folder(folder: Path, seed: int = 0) -> Path:
    """A folder for `open_clip:local-dir:…` with the packaged tokenizer and random weights."""
    torchvision_cure.arm()
    import open_clip
    import torch
    from safetensors.torch import save_file

    folder.mkdir(parents=True)
    (folder / "open_clip_config.json").write_text(json.dumps(CLIP_CONFIG))
    torch.manual_seed(seed)
    model = open_clip.CLIP(**CLIP_CONFIG["model_cfg"])
    weights = {name: tensor.contiguous().clone() for name, tensor in model.state_dict().items()}
    save_file(weights, str(folder / "open_clip_model.safetensors"))
    return folder


def sentence_folder(folder: Path, seed: int = 0) -> Path:
    """A folder for `sentence-transformers:…`: a one-layer BERT over letters, with dropout and mean pooling."""
    torchvision_cure.arm()
    import torch
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast  # type: ignore[attr-defined]

    folder.mkdir(parents=True)
    vocabulary = _letters()
    (folder / "vocab.txt").write_text("\n".join(vocabulary))
    BertTokenizerFast(vocab_file=str(folder / "vocab.txt")).save_pretrained(folder)
    torch.manual_seed(seed)
    BertModel(
        BertConfig(
            vocab_size=len(vocabulary), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
            intermediate_size=16, hidden_dropout_prob=0.5, max_position_embeddings=64,
        )
    ).save_pretrained(folder)  # fmt: skip
    words = Transformer(str(folder), max_seq_length=32)
    pooling = Pooling(words.get_embedding_dimension())
    SentenceTransformer(modules=[words, pooling], device="cpu").save(str(folder))
    return folder


def bert_folder(folder: Path, weights: bool = False) -> Path:
    """A text tower as its hub repository holds it: configuration and vocabulary, and weights where asked."""
    torchvision_cure.arm()
    from transformers import BertConfig, BertModel  # type: ignore[attr-defined]

    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("\n".join(_letters()))
    (folder / "tokenizer_config.json").write_text(json.dumps({"do_lower_case": True}))
    config = BertConfig(
        vocab_size=len(_letters()), hidden_size=16, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=16, max_position_embeddings=32, initializer_range=0.5,
    )  # fmt: skip
    config.save_pretrained(folder)
    if weights:
        BertModel(config).save_pretrained(folder)
    return folder


def biomedclip_folder(folder: Path, bert: Path, extras: dict[str, Any] | None = None) -> Path:
    """The layout of BiomedCLIP on the hub: a timm ViT, a BERT that the configuration takes from the hub, a pickle.

    `bert` is that BERT as `bert_folder` makes it; `extras` go into the pickle beside the `state_dict`.
    """
    torchvision_cure.arm()
    import open_clip
    import torch

    text = {
        "hf_model_name": str(bert), "hf_tokenizer_name": BERT_HUB, "hf_proj_type": "mlp",
        "hf_pooler_type": "cls_last_hidden_state_pooler", "context_length": 24,
    }  # fmt: skip
    config = {
        "embed_dim": 24,
        "vision_cfg": {
            "timm_model_name": "test_vit", "timm_model_pretrained": False, "timm_pool": "",
            "timm_proj": "linear", "image_size": 160,
        },
        "text_cfg": text,
    }  # fmt: skip
    torch.manual_seed(0)
    model = open_clip.CustomTextCLIP(**{**config, "text_cfg": {**text, "hf_model_pretrained": False}})
    text["hf_model_name"] = BERT_HUB
    folder.mkdir(parents=True)
    preprocess = {"mean": [0.48, 0.46, 0.41], "std": [0.27, 0.26, 0.28]}
    (folder / "open_clip_config.json").write_text(json.dumps({"model_cfg": config, "preprocess_cfg": preprocess}))
    (folder / "README.md").write_text("---\nlanguage: en\nlicense: mit\n---\n# Tiny\n")
    state = {f"module.{name}": tensor for name, tensor in model.state_dict().items()}
    whole = state if extras is None else {"state_dict": state, **extras}
    torch.save(whole, folder / "open_clip_pytorch_model.bin")
    return folder


def siglip_folder(folder: Path, seed: int = 0) -> Path:
    """The layout of MedSigLIP on the hub, with a tokenizer over letters."""
    torchvision_cure.arm()
    import torch
    from transformers import (  # type: ignore[attr-defined]
        PreTrainedTokenizerFast,
        SiglipConfig,
        SiglipImageProcessor,
        SiglipModel,
    )

    folder.mkdir(parents=True)
    tower = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**tower, "vocab_size": len(_letters()), "max_position_embeddings": 16, "projection_size": 16}
    config = SiglipConfig(text_config=text, vision_config={**tower, "image_size": 32, "patch_size": 16})
    torch.manual_seed(seed)
    SiglipModel(config).save_pretrained(folder)
    SiglipImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    _letter_tokenizer(PreTrainedTokenizerFast).save_pretrained(folder)
    return folder


def _letter_tokenizer(kind: Any) -> Any:
    from tokenizers import Tokenizer
    from tokenizers.models import WordPiece
    from tokenizers.pre_tokenizers import BertPreTokenizer

    vocabulary = {word: number for number, word in enumerate(_letters())}
    backend = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = BertPreTokenizer()
    return kind(tokenizer_object=backend, pad_token="[PAD]", unk_token="[UNK]", model_max_length=64)


def _letters() -> list[str]:
    letters = [*string.ascii_lowercase, *string.digits]
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters), "."]
