"""Encoders, opened by a specification that a user can write."""

from indexing.encoders.base import Encoder
from indexing.encoders.registry import EncoderPlan, open_encoder

__all__ = ["Encoder", "EncoderPlan", "open_encoder"]
