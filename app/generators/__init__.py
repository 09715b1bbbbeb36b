"""Generators: what turns a question and its evidence into an answer."""

from app.generators.base import Capabilities, Generator, Piece, Prompt
from app.generators.registry import open_generator

__all__ = ["Capabilities", "Generator", "Piece", "Prompt", "open_generator"]
