"""The chat in the browser: a Gradio page with its own evidence gallery, and a server for it."""

from ui.chat.asks import Asks
from ui.chat.serving import create_app, serve

__all__ = ["Asks", "create_app", "serve"]
