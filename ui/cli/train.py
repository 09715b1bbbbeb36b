"""`curbside train-encoder`: an encoder of a site's own."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from ui.counting import counted

if TYPE_CHECKING:
    from rich.table import Table

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
    seed: Annotated[int, typer.Option(min=0, help="Seed of the fit.")] = 0,
    to: Annotated[Path | None, typer.Option(help="New folder; else models/<domain>-<mode> of the home.")] = None,
) -> None:
    """Fit an encoder on the home's own pictures; measured on patients that it never saw. Ctrl-C keeps the best."""
    from app.wiring import encoder_plan
    from indexing.encoders.registry import require_named
    from indexing.freed_memory import keep_freed_memory
    from indexing.training.train import train_encoder as fit
    from ui.cli.progress import progress_bar

    here: Context = context.obj
    settings, home = here.settings(), here.open_home()
    require_named(on, home.domains.names)
    options = _options(domain, corpus or [], mode, on, device or settings.device, settings.licences, epochs, seed)
    options = replace(options, serving=encoder_plan(settings).joint_spec(domain))
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
    build = here.command("index", "build", index=settings.index)
    here.show(_shown(trained, domain), _told(trained, domain, build), _table(trained, on))


def _table(trained: Trained, on: str) -> Table:
    """What chance, what served, the encoder beneath where it is another, and the fit reach."""
    from rich.table import Table

    table = Table("held-out patients", "chance", "before", *([f"{on} alone"] if trained.as_it_came else []), "after")
    table.box = None
    columns = [trained.before, *([trained.as_it_came] if trained.as_it_came else []), trained.after]
    for name in _FIGURES:
        cells = [f"{figures[name]:.3f}" if name in figures else "–" for figures in columns]
        table.add_row(name, _chance(name, trained.after["texts"]), *cells)
    return table


def _chance(name: str, texts: float) -> str:
    """How often the own text is among so many of `texts` by chance; of label precision nothing is said."""
    return f"{min(1.0, int(name.rpartition('@')[2]) / texts):.3f}" if name.startswith("recall") else "–"


def _options(
    domain: str, corpora: list[str], mode: Mode, on: str, device: str, licences: str, epochs: int, seed: int
) -> TrainOptions:
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
        "before_is": trained.before_is,
        "as_it_came": trained.as_it_came,
        "after": trained.after,
        "interrupted": trained.interrupted,
        "taken_up": trained.taken_up,
    }


def _told(trained: Trained, domain: str, build: str) -> list[str]:
    after, before = (sum(figures.get(name, 0.0) for name in _JUDGED) for figures in (trained.after, trained.before))
    worse = "It is not better than before: better keep what serves. To use it all the same"
    use = "To use it" if after > before else worse
    judges, texts = (counted(round(trained.after[name]), name.removesuffix("s")) for name in ("pictures", "texts"))
    return [
        *_how_it_went(trained),
        f"{counted(trained.pictures, 'picture')} of {counted(trained.patients, 'patient')}; measured on {judges} "
        f"with {texts} that nothing was fitted on. Before: by {trained.before_is.removesuffix('.')}.",
        f"Written: {trained.folder} (weights, manifest, model card).",
        f"{use}, put into curbside.toml:",
        f'[encoders]\n{_key(domain)} = "{trained.spec}"',
        f"and build the index again: {build}",
    ]


def _how_it_went(trained: Trained) -> list[str]:
    told = []
    if trained.taken_up:
        told.append(f"The tuning went on from an earlier run; epochs done there: {trained.taken_up}.")
    if trained.interrupted:
        told.append("Ended early by Ctrl-C: what is written is the best so far, and its manifest says so.")
    return told


def _key(name: str) -> str:
    """A name as a key of TOML: quoted where it holds more than letters, digits, _ and - of ASCII."""
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name, ensure_ascii=False)
