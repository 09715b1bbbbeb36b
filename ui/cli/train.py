"""`curbside train-encoder`: an encoder of a site's own."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ui.counting import counted

if TYPE_CHECKING:
    from indexing.training.train import Trained, TrainOptions
    from ui.cli.context import Context

__all__ = ["train_encoder"]

Mode = Literal["adapter", "tower"]

_FIGURES = ("recall@1", "recall@5", "recall@10", "label precision@5")
_JUDGED = ("recall@5", "label precision@5")  # what chooses an epoch chooses here too


def train_encoder(
    context: typer.Context,
    domain: Annotated[str, typer.Option(help="Domain whose pictures it is fitted on.")],
    corpus: Annotated[list[str] | None, typer.Option(help="Only this corpus; may be given again.")] = None,
    mode: Annotated[Mode, typer.Option(help="adapter: a head, in a minute; tower: the image tower too.")] = "adapter",
    on: Annotated[str, typer.Option(help="Encoder whose vectors the head takes, as open_clip:local-dir:…")] = "",
    device: Annotated[str, typer.Option(help="cpu, cuda, cuda:1; else that of the settings.")] = "",
    epochs: Annotated[int, typer.Option(min=0, help="Epochs at most; 0: the usual number.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the fit.")] = 0,
    to: Annotated[Path | None, typer.Option(help="New folder; else models/<domain>-<mode> of the home.")] = None,
) -> None:
    """Fit an encoder on the home's own pictures; measured on patients that it never saw. Ctrl-C keeps the best."""
    from rich.table import Table

    from indexing.freed_memory import keep_freed_memory
    from indexing.training.train import train_encoder as fit
    from ui.cli.progress import progress_bar

    here: Context = context.obj
    settings, home = here.settings(), here.open_home()
    options = _options(domain, corpus or [], mode, on, device or settings.device, settings.licences, epochs, seed)
    folder = to or home.models / f"{domain}-{mode}"
    keep_freed_memory()
    with progress_bar() as bar:
        tasks: dict[str, Any] = {}

        def say(stage: str, done: int, most: int, detail: str) -> None:
            name = f"{stage} {detail}".strip()
            if stage not in tasks:
                tasks[stage] = bar.add_task(name, total=most)
            bar.update(tasks[stage], completed=done, total=most, description=name)

        trained = fit(home, options, folder, say)
    table = Table("held-out patients", "before", "after", box=None)
    for name in _FIGURES:
        table.add_row(name, f"{trained.before[name]:.3f}", f"{trained.after[name]:.3f}")
    build = here.command("index", "build", index=settings.index)
    here.show(_shown(trained, domain), _told(trained, domain, build), table)


def _options(
    domain: str, corpora: list[str], mode: Mode, on: str, device: str, licences: str, epochs: int, seed: int
) -> TrainOptions:
    from dataclasses import replace

    from indexing.training.train import TrainOptions

    usual = TrainOptions(domain)
    head, tower = replace(usual.head, seed=seed), replace(usual.tower, seed=seed)
    if epochs and mode == "adapter":
        head = replace(head, epochs=epochs)
    elif epochs:
        tower = replace(tower, epochs=epochs)
    return replace(
        usual, corpora=tuple(corpora), mode=mode, on=on, device=device, licences=licences, head=head, tower=tower
    )


def _shown(trained: Trained, domain: str) -> dict[str, Any]:
    return {
        "domain": domain,
        "folder": str(trained.folder),
        "spec": trained.spec,
        "pictures": trained.pictures,
        "patients": trained.patients,
        "before": trained.before,
        "after": trained.after,
    }


def _told(trained: Trained, domain: str, build: str) -> list[str]:
    won = sum(trained.after[name] for name in _JUDGED) > sum(trained.before[name] for name in _JUDGED)
    use = "To use it" if won else "It is not better than before: better keep what serves. To use it all the same"
    return [
        f"{counted(trained.pictures, 'picture')} of {counted(trained.patients, 'patient')}; "
        f"measured on {counted(round(trained.after['pictures']), 'picture')} that nothing was fitted on.",
        f"Written: {trained.folder} (weights, manifest, model card).",
        f"{use}, put into curbside.toml:",
        f'[encoders]\n{_key(domain)} = "{trained.spec}"',
        f"and build the index again: {build}",
    ]


def _key(name: str) -> str:
    """A name as a key of TOML: quoted where it holds more than letters, digits, _ and - of ASCII."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
