"""Tiny vision-language checkpoints with random weights, of the four architectures that METHODS names, made on the spot.

Each builder returns a model and its processor; saved with `save_pretrained` they are folders as a hub would hold.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from indexing import torchvision_cure

__all__ = ["ARCHITECTURES", "save_checkpoint"]

_WORDS = (
    "the chest radiograph shows a small right pleural effusion",
    "no acute cardiopulmonary abnormality is seen in this picture",
    "question reference record system user assistant image answer what is shown",
    "Yes there is.",
    "No there is not.",
)
_LANGUAGE: dict[str, Any] = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "pad_token_id": 0,
    "bos_token_id": 1,
    "eos_token_id": 2,
}
_VISION: dict[str, Any] = {"hidden_size": 64, "intermediate_size": 128}
_QWEN_TOKENS = ("<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>", "<|im_start|>", "<|im_end|>")
_QWEN_PLACE = "<|vision_start|><|image_pad|><|vision_end|>"


def save_checkpoint(architecture: str, folder: Path, *, context: int = 2048, system_role: bool = True) -> Path:
    """Build one of `ARCHITECTURES` and save it; `context` is its `max_position_embeddings`."""
    torchvision_cure.arm()
    import torch

    torch.manual_seed(7)
    model, processor = ARCHITECTURES[architecture]({**_LANGUAGE, "max_position_embeddings": context}, system_role)
    _make_talkative(model, processor.tokenizer)
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _make_talkative(model: Any, tokenizer: Any) -> None:
    """Random weights that write words without end, and whose next word depends on the whole prompt."""
    import torch

    pieces = [tokenizer.decode([number]).strip() for number in range(len(tokenizer))]
    silent = [number for number, piece in enumerate(pieces) if not (len(piece) > 1 and piece.isalpha())]
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4.0)
        model.get_output_embeddings().weight[silent] = 0.0
        if hasattr(model.model, "multi_modal_projector"):
            projector = getattr(model.model.multi_modal_projector, "mm_input_projection_weight", None)
            if projector is not None:  # Gemma 3 is born blind: this one starts as zeros
                projector.normal_(std=0.1)


def _template(place: str, system_role: bool) -> str:
    refuse = "" if system_role else "{% if m['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
    return (
        f"{{% for m in messages %}}{refuse}{{{{ m['role'] }}}}: "
        f"{{% for c in m['content'] %}}{{% if c['type'] == 'image' %}}{place}"
        "{% else %}{{ c['text'] }}{% endif %}{% endfor %}\n{% endfor %}"
        "{% if add_generation_prompt %}assistant: {% endif %}"
    )


def _tokenizer(special: Sequence[str], **named: str) -> Any:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=420,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<pad>", "<s>", "</s>", *special],
    )
    tokenizer.train_from_iterator(_WORDS * 50, trainer)
    tf: Any = import_module("transformers")
    return tf.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens=named,
    )


def _llava(language: dict[str, Any], system_role: bool) -> tuple[Any, Any]:
    tf: Any = import_module("transformers")

    tokenizer = _tokenizer(["<image>"], image_token="<image>")
    config = tf.LlavaConfig(
        vision_config=tf.CLIPVisionConfig(
            **_VISION, num_hidden_layers=2, num_attention_heads=4, image_size=56, patch_size=14
        ),
        text_config=tf.LlamaConfig(vocab_size=len(tokenizer), **language),
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        vision_feature_select_strategy="default",
        vision_feature_layer=-1,
    )
    processor = tf.LlavaProcessor(
        image_processor=tf.CLIPImageProcessor(size={"shortest_edge": 56}, crop_size={"height": 56, "width": 56}),
        tokenizer=tokenizer,
        patch_size=14,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=_template("<image>", system_role),
    )
    return tf.LlavaForConditionalGeneration(config), processor


def _qwen_tokenizer() -> tuple[Any, dict[str, int]]:
    tokenizer = _tokenizer(
        _QWEN_TOKENS,
        image_token="<|image_pad|>",
        video_token="<|video_pad|>",
        vision_start_token="<|vision_start|>",
        vision_end_token="<|vision_end|>",
    )
    named = {"image_token_id": 2, "video_token_id": 3, "vision_start_token_id": 0, "vision_end_token_id": 1}
    return tokenizer, {
        name: tokenizer.convert_tokens_to_ids(_QWEN_TOKENS[position]) for name, position in named.items()
    }


def _qwen25(language: dict[str, Any], system_role: bool) -> tuple[Any, Any]:
    tf: Any = import_module("transformers")

    tokenizer, ids = _qwen_tokenizer()
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [2, 3, 3]}
    config = tf.Qwen2_5_VLConfig(
        text_config={"vocab_size": len(tokenizer), **language, "rope_parameters": rope},
        vision_config={
            **_VISION,
            "depth": 2,
            "num_heads": 4,
            "out_hidden_size": 64,
            "patch_size": 14,
            "spatial_merge_size": 2,
            "window_size": 56,
            "fullatt_block_indexes": [1],
        },
        **ids,
    )
    processor = tf.Qwen2_5_VLProcessor(
        image_processor=tf.Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=112 * 112),
        tokenizer=tokenizer,
        video_processor=tf.Qwen2VLVideoProcessor(),
        chat_template=_template(_QWEN_PLACE, system_role),
    )
    return tf.Qwen2_5_VLForConditionalGeneration(config), processor


def _qwen3(language: dict[str, Any], system_role: bool) -> tuple[Any, Any]:
    tf: Any = import_module("transformers")

    tokenizer, ids = _qwen_tokenizer()
    rope = {"rope_type": "default", "rope_theta": 10000.0, "mrope_interleaved": True, "mrope_section": [2, 3, 3]}
    config = tf.Qwen3VLConfig(
        text_config={"vocab_size": len(tokenizer), **language, "head_dim": 16, "rope_parameters": rope},
        vision_config={
            **_VISION,
            "depth": 2,
            "num_heads": 4,
            "out_hidden_size": 64,
            "patch_size": 16,
            "spatial_merge_size": 2,
            "num_position_embeddings": 64,
            "deepstack_visual_indexes": [0],
        },
        **ids,
    )
    processor = tf.Qwen3VLProcessor(
        image_processor=tf.Qwen2VLImageProcessor(min_pixels=64 * 64, max_pixels=128 * 128, patch_size=16, merge_size=2),
        tokenizer=tokenizer,
        video_processor=tf.Qwen3VLVideoProcessor(),
        chat_template=_template(_QWEN_PLACE, system_role),
    )
    return tf.Qwen3VLForConditionalGeneration(config), processor


def _gemma3(language: dict[str, Any], system_role: bool) -> tuple[Any, Any]:
    tf: Any = import_module("transformers")

    begin, end, soft = "<start_of_image>", "<end_of_image>", "<image_soft_token>"
    tokenizer = _tokenizer([begin, end, soft], image_token=soft, boi_token=begin, eoi_token=end)
    ids = tokenizer.convert_tokens_to_ids
    config = tf.Gemma3Config(
        text_config={"vocab_size": len(tokenizer), **language, "head_dim": 16, "sliding_window": 64},
        vision_config={
            **_VISION,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "image_size": 64,
            "patch_size": 16,
            "vision_use_head": False,
        },
        mm_tokens_per_image=4,
        image_token_id=ids(soft),
        image_token_index=ids(soft),
        boi_token_index=ids(begin),
        eoi_token_index=ids(end),
    )
    processor = tf.Gemma3Processor(
        image_processor=tf.Gemma3ImageProcessor(size={"height": 64, "width": 64}),
        tokenizer=tokenizer,
        image_seq_length=4,
        chat_template=_template(begin, system_role),
    )
    return tf.Gemma3ForConditionalGeneration(config), processor


ARCHITECTURES: dict[str, Callable[[dict[str, Any], bool], tuple[Any, Any]]] = {
    "llava": _llava,
    "qwen2.5-vl": _qwen25,
    "qwen3-vl": _qwen3,
    "gemma3": _gemma3,
}
