"""`curbside adapt`: bend a domain's vectors towards the home's own records, show what is in force, go back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from corpora.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from ui.cli.context import Context

__all__ = ["adapt"]

_RESEARCH = "Research use, not a medical device."


def adapt(
    context: typer.Context,
    domain: Annotated[str, typer.Option(help="Whose pictures and texts.")],
    corpus: Annotated[list[str] | None, typer.Option(help="Fit on this corpus only; may be given again.")] = None,
    seed: Annotated[
        int, typer.Option(min=0, help="Of the fit, of the patients that stop it, and of the interval.")
    ] = 0,
    share: Annotated[
        float, typer.Option(help="Share of patients that judge; 0.15: those no shipped fit has seen.")
    ] = 0.15,
    rank: Annotated[int, typer.Option(min=1, help="Rank of the maps.")] = 8,
    show: Annotated[bool, typer.Option("--show", help="Print what is in force, and fit nothing.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take the adapter off; the encoder's own vectors serve.")
    ] = False,
) -> None:
    """Fit a site adapter on stored vectors; in force only if it wins on patients that did not fit it."""
    here: Context = context.obj
    if show and undo:
        raise InputError("--show and --undo exclude each other; give one of them.")
    if undo:
        _undo(here, domain)
    elif show:
        _show(here, domain)
    else:
        _fit(here, domain, corpus or [], seed, share, rank)


def _fit(here: Context, domain: str, corpora: list[str], seed: int, share: float, rank: int) -> None:
    from app.shaping import plain
    from indexing.reprojection import publish_adapter
    from indexing.training.site_adapter import AdapterOptions
    from retrievers.calibration.adapter import fit_site_adapter
    from ui.cli.progress import progress_bar

    settings, home = here.settings(), here.open_home()
    with progress_bar() as bar:
        task = bar.add_task("reading", total=None)

        def update(done: int, total: int, stage: str) -> None:
            bar.update(task, completed=done, total=total, description=stage)

        report = fit_site_adapter(
            home,
            domain,
            index=settings.index,
            corpora=corpora,
            share=share,
            options=AdapterOptions(seed=seed, rank=rank),
            progress=update,
        )
    version = report.index
    if report.adapter is not None:
        version = publish_adapter(home, domain, report.adapter, settings.index).label
        outcome = (
            f"{version} is published: {domain} is seen through the adapter {report.adapter.digest}; back with: "
            f"{here.command('adapt', '--domain', domain, '--undo')}"
        )
    else:
        outcome = f"{version} stays as it is."
    fit, stop, judge = report.patients
    part = plain(report.part)
    lines = [
        f"Patients that fitted {fit}, said when to stop {stop}, judged {judge}. {report.seconds:.0f} s.",
        _verdict(part),
        outcome,
        f"Means on patients that did not fit it, gain with its 95 % bootstrap interval over patients. {_RESEARCH}",
    ]
    if report.adapter is not None:
        lines.append(f"A calibration that was fitted before is no longer in force; run: {here.command('calibrate')}")
    digest = report.adapter.digest if report.adapter else None
    shown = {"index": version, "adapter": digest, "part": report.part, "patients": report.patients}
    here.show(shown | {"seconds": report.seconds}, lines, _table(part))


def _show(here: Context, domain: str) -> None:
    from indexing.reprojection import stored_adapter

    adapter = stored_adapter(here.open_home(), domain, here.settings().index)
    if adapter is None:
        fit = here.command("adapt", "--domain", domain)
        raise InputError(f"{domain} has no site adapter; fit one with: {fit}")
    notes: Mapping[str, Any] = adapter.notes
    lines = [
        f"Adapter {adapter.digest} for {adapter.encoder}, fitted on {notes['index']} with seed "
        f"{notes['options']['seed']}. {_RESEARCH} Back with: {here.command('adapt', '--domain', domain, '--undo')}",
        _verdict(notes["part"]),
    ]
    here.show({"adapter": adapter.digest, "encoder": adapter.encoder, **notes}, lines, _table(notes["part"]))


def _undo(here: Context, domain: str) -> None:
    from indexing.reprojection import publish_adapter

    settings = here.settings()
    manifest = publish_adapter(here.open_home(), domain, None, settings.index)
    here.show(
        {"index": manifest.label, "adapter": None},
        [f"{manifest.label} is published: {domain} has the encoder's own vectors again."],
    )


def _table(part: Mapping[str, Any]) -> Table:
    from rich.table import Table

    table = Table("measure", "before", "after", "gain", box=None)
    names = [name.removesuffix(" before") for name in part["notes"] if name.endswith(" before")]
    gain = "–" if part["gain"] is None else f"{part['gain']:+.3f} ({part['low']:+.3f} to {part['high']:+.3f})"
    table.add_row("mean of all", _figure(part["before"]), _figure(part["after"]), gain)
    for name in names:
        before, after = (part["notes"][f"{name} {when}"] for when in ("before", "after"))
        table.add_row(name, _figure(before), _figure(after), f"{after - before:+.3f}")
    return table


def _verdict(part: Mapping[str, Any]) -> str:
    return f"The site adapter for {part['domain']} is {'kept' if part['kept'] else 'refused'}: {part['reason']}."


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
