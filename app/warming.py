"""Loading what the first question needs while a server already answers."""

from __future__ import annotations

import threading

from app.assistant import Assistant

__all__ = ["warm_on_a_thread"]


def warm_on_a_thread(assistant: Assistant) -> threading.Thread:
    """Begin to load encoders and index; questions that come earlier wait for what they need."""
    thread = threading.Thread(target=assistant.warm, name="warm", daemon=True)
    thread.start()
    return thread
