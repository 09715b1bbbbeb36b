"""`curbside settings` and `curbside doctor`: what is set, and what works here."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from app.settings import Settings
    from ui.cli.context import Context

__all__ = ["doctor", "settings_application"]

settings_application = typer.Typer(help="Settings with their values and sources.", no_args_is_help=True)

_PACKAGES = (
    "torch", "torchvision", "transformers", "open-clip-torch", "sentence-transformers", "faiss-cpu", "faiss-gpu",
    "bitsandbytes", "langchain-core", "gradio", "sqlalchemy",
)  # fmt: skip


@settings_application.command("show")
def show(context: typer.Context) -> None:
    """Every setting with its value and where that comes from."""
    from rich.table import Table

    from app.settings import Settings, load_settings

    here: Context = context.obj
    settings, sources = load_settings(here.home, {"profile": here.profile})
    table = Table("setting", "value", "from", "what it is", box=None)
    values = settings.model_dump()
    for name, value in values.items():
        table.add_row(name, str(value), sources[name], Settings.model_fields[name].description or "")
    here.show({name: {"value": value, "source": sources[name]} for name, value in values.items()}, table=table)


def doctor(context: typer.Context) -> None:
    """What is installed, and what works on this machine."""
    from rich.table import Table

    here: Context = context.obj
    settings = here.settings()
    facts = {"python": platform.python_version(), **{name: _version(name) for name in _PACKAGES}}
    from indexing.encoders.registry import encoder_kinds
    from indexing.vectors.faiss_index import has_faiss, has_gpu

    facts |= {
        "faiss": "yes" if has_faiss() else "no: exact NumPy search serves",
        "faiss GPU": "yes" if has_gpu() else "no: searches run on the CPU",
        "CUDA": _cuda(),
        "encoders": ", ".join(encoder_kinds()),
        "profile": settings.profile,
        "generator": settings.generator,
        "licences": settings.licences,
        **_encoders_of_plan(here.home, settings),
    }
    table = Table("what", "here", box=None)
    for name, value in facts.items():
        table.add_row(name, value)
    here.show(facts, ["Curbside: research use, not a medical device."], table)


def _encoders_of_plan(home: Path, settings: Settings) -> dict[str, str]:
    """Each domain's encoder, and that of sentences, with the licence class of its weights."""
    from app.wiring import encoder_plan
    from corpora.domains import packaged_domains
    from indexing.encoders.licences import licence_of

    plan = encoder_plan(settings)
    specs = {one.name: plan.joint_spec(one.name) for one in packaged_domains().with_folder(home / "domains")}
    found = {}
    for name, spec in {**specs, "sentences": plan.sentence}.items():
        said = licence_of(spec, home, settings.licences)
        found[f"encoder of {name}"] = f"{spec}: {said.kind} ({said.name})"
    return found


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


def _cuda() -> str:
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no"
