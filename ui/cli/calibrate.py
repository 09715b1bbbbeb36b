"""`curbside calibrate`: fit retrieval to the records of the home, show what is in force, go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from corpora.errors import InputError
from ui.counting import counted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.table import Table

    from indexing.shards import Manifest
    from retrievers.calibration import Calibration, CalibrationFolder, Part
    from ui.cli.context import Context

__all__ = ["calibrate"]

_FITTED_HERE = "embedded:local-dir:"  # what `train-encoder` writes


def calibrate(
    context: typer.Context,
    seed: Annotated[int, typer.Option(min=0, help="Of the halves, the choice of cases, and the intervals.")] = 0,
    share: Annotated[
        float, typer.Option(help="Share of patients asked; 0.15: those no shipped fit has seen; 1: all.")
    ] = 0.15,
    most: Annotated[int, typer.Option(help="Most cases asked of each domain and half.")] = 60,
    show: Annotated[bool, typer.Option("--show", help="Print what is stored, and fit nothing.")] = False,
    undo: Annotated[bool, typer.Option("--undo", help="Go back to the calibration before, or to none.")] = False,
) -> None:
    """Fit router, modality gap, list weights and selection to the home's own records; keep only what wins."""
    from retrievers.calibration import CalibrationFolder

    here: Context = context.obj
    if show and undo:
        raise InputError("--show and --undo exclude each other; give one of them.")
    stored = CalibrationFolder(here.open_home(), here.settings().index)
    if undo:
        _undo(here, stored)
    elif show:
        _show(here, stored)
    else:
        _fit(here, stored, seed, share, most)


def _fit(here: Context, stored: CalibrationFolder, seed: int, share: float, most: int) -> None:
    from app.wiring import open_retriever
    from retrievers.calibration.fit import calibrate as fit
    from ui.cli.progress import progress_bar

    with open_retriever(here.open_home(), here.settings()) as retriever:
        with progress_bar() as bar:
            task = bar.add_task("reading", total=None)

            def update(done: int, total: int, stage: str) -> None:
                bar.update(task, completed=done, total=total, description=stage)

            report = fit(retriever, seed=seed, share=share, most=most, progress=update)
        manifest = retriever.index.manifest
        stored.save(report.calibration)
    halves = ", ".join(
        f"{domain} {report.fitting.get(domain, 0)} + {report.judging.get(domain, 0)}"
        for domain in sorted({*report.fitting, *report.judging})
    )
    told = [
        f"Patients that fitted + that judged: {halves or 'none'}. {report.seconds:.0f} s.",
        *_told(here, stored, report.calibration),
    ]
    if share < 1 and any(part.reason.startswith("too few") for part in report.calibration.parts):
        told.append(_advice(manifest))
    shown = {"fitting": report.fitting, "judging": report.judging, "seconds": report.seconds, "path": stored.path}
    here.show(shown | _whole(report.calibration), told, _table(report.calibration))


def _advice(manifest: Manifest) -> str:
    """Whether all patients may be asked: a fit on this home has left only those of the usual share out."""
    fitted = sorted(spec for spec in manifest.encoders if spec.startswith(_FITTED_HERE))
    fitted += [f"the site adapter of {domain}" for domain in sorted(manifest.adapters)]
    if not fitted:
        return "Where no fit has seen this home's patients, as with records of your own, --share 1 asks them all."
    return (
        f"Fitted on a site's own patients: {', '.join(fitted)}. Where these are this home's, only 15 % were held out, "
        "and a larger --share would judge by patients that were learned from; more records help instead."
    )


def _show(here: Context, stored: CalibrationFolder) -> None:
    calibration = stored.load()
    if calibration is None:
        raise InputError(f"The index {stored.index!r} has no calibration; make one with: {here.command('calibrate')}")
    here.show({"path": stored.path} | _whole(calibration), _told(here, stored, calibration), _table(calibration))


def _undo(here: Context, stored: CalibrationFolder) -> None:
    calibration = stored.undo()
    if calibration is None:
        line = f"The index {stored.index!r} has no calibration any more; searches use the defaults."
    else:
        line = f"Back to the calibration of {calibration.created}; {_in_force(calibration)}."
    here.show({"calibration": calibration.digest if calibration else None}, [line])


def _told(here: Context, stored: CalibrationFolder, calibration: Calibration) -> list[str]:
    return [
        f"Fitted on {calibration.version}, seed {calibration.seed}, {calibration.share:.0%} of the patients; "
        f"{_in_force(calibration)}. Stored in {stored.path}; back with: {here.command('calibrate', '--undo')}",
        "Means on patients that did not fit them; gains with 95 % bootstrap intervals over patients.",
    ]


def _in_force(calibration: Calibration) -> str:
    kept = sum(part.kept for part in calibration.parts)
    if not kept:
        return "nothing won, so searches use the defaults"
    return f"in force: {kept} of {counted(len(calibration.parts), 'part')}, digest {calibration.digest}"


def _whole(calibration: Calibration) -> dict[str, object]:
    return {"digest": calibration.digest, "calibration": calibration}


def _table(calibration: Calibration) -> Table:
    """Each part with its measure, its domains beneath; two columns, so that words stay whole on a narrow screen."""
    from rich.table import Table

    table = Table(box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, parts in _by_name(calibration.parts).items():
        table.add_row(name, parts[0].measure)
        for part in parts:
            table.add_row(f"  {part.domain}", "\n".join(_described(part)), style="bold" if part.kept else None)
    return table


def _by_name(parts: Sequence[Part]) -> dict[str, list[Part]]:
    named: dict[str, list[Part]] = {}
    for part in parts:
        named.setdefault(part.name, []).append(part)
    return named


def _described(part: Part) -> Iterator[str]:
    """The figures, the verdict, and what was fitted with what is told beside."""
    if part.before is not None and part.after is not None:
        yield f"{part.before:.3f} → {part.after:.3f}{_gain(part)}"
    yield f"{'kept' if part.kept else 'refused'}: {part.reason}"
    told = [f"fitted {part.value}"] if part.value else []
    told += [f"{name} {value:g}" for name, value in part.notes.items()]
    if told:
        yield "; ".join(told)


def _gain(part: Part) -> str:
    return "" if part.gain is None else f", gain {part.gain:+.3f} ({part.low:+.3f} to {part.high:+.3f})"
