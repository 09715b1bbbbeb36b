"""The assistant: settings, prompts, generators, citations and answers."""

from typing import TYPE_CHECKING

from app.answers import Answer, Evidence

if TYPE_CHECKING:
    from app.assistant import Assistant

__all__ = ["Answer", "Assistant", "Evidence"]


def __getattr__(name: str) -> object:
    """Loads the assistant, and the retriever behind it, only when it is first named."""
    if name == "Assistant":
        from app.assistant import Assistant

        return Assistant
    raise AttributeError(f"module 'app' has no attribute {name!r}")
