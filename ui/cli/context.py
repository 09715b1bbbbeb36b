"""What every command starts from: the home, the settings, and how to print."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    from rich.table import Table

    from app.settings import Settings
    from corpora.home import Home

__all__ = ["DEFAULT_HOME", "DEFAULT_INDEX", "HOME_VARIABLE", "Context"]

HOME_VARIABLE = "CURBSIDE_HOME"
DEFAULT_HOME = Path("home")
DEFAULT_INDEX = "default"


@dataclass(frozen=True)
class Context:
    """The global options of one call."""

    home: Path
    profile: str | None
    as_json: bool
    verbose: bool
    console: Console

    def settings(self, **arguments: Any) -> Settings:
        """The settings of the home, with the command's own arguments on top; prepares the process for models."""
        from app.settings import load_settings
        from app.wiring import prepare_process

        settings, _ = load_settings(self.home, {"profile": self.profile, **arguments})
        prepare_process(settings)
        return settings

    def open_home(self, create: bool = False) -> Home:
        """The home, made first where the command may make one."""
        from app.settings import load_settings
        from corpora.home import Home

        url = load_settings(self.home, {"profile": self.profile})[0].catalog_url or None
        return Home.create(self.home, url) if create else Home.open(self.home, url)

    def command(self, *words: str, index: str = DEFAULT_INDEX) -> str:
        """A command to run next, as a shell takes it: of this home and profile, with the name of another index."""
        usual = self.home == DEFAULT_HOME and HOME_VARIABLE not in os.environ
        said = [] if usual else ["--home", str(self.home)]
        said += ["--profile", self.profile] if self.profile else []
        named = ["--name", index] if index != DEFAULT_INDEX else []
        return shlex.join(["curbside", *said, *words, *named])

    def show(self, value: Any, lines: Sequence[str] = (), table: Table | None = None) -> None:
        """Print a result: JSON where asked for, else the table, else the lines."""
        from app.shaping import plain

        if self.as_json:
            print(json.dumps(plain(value), ensure_ascii=False, indent=1))  # noqa: T201
            return
        for line in lines:
            self.console.print(line, markup=False, highlight=False, soft_wrap=True)
        if table is not None:
            self.console.print(table)
