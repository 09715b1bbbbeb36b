"""Builds the objects that settings ask for."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

from app.generators.base import Generator
from app.generators.registry import open_generator
from app.reranking import rerankers_of
from app.settings import Settings
from corpora.home import Home
from corpora.images import ImageStore
from indexing.encoders import EncoderPlan
from indexing.jobs import BuildOptions
from retrievers.fusion import fusion_method
from retrievers.retriever import Ranking, Retriever
from retrievers.selection import selection_policy

__all__ = ["build_options", "encoder_plan", "open_home", "open_retriever", "prepare_process"]

AUTO = "auto"
"""The setting by which the home's calibration chooses."""


def prepare_process(settings: Settings) -> None:
    """What must be said before a model library is loaded: threads, and that no hub may be asked."""
    if settings.offline:
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    if settings.threads:
        os.environ["OMP_NUM_THREADS"] = str(settings.threads)


def open_home(path: Path, settings: Settings) -> Home:
    """The home, with the catalogue that the settings name."""
    return Home.open(path, settings.catalog_url or None)


def encoder_plan(settings: Settings) -> EncoderPlan:
    """Which encoder serves which domain."""
    return EncoderPlan(settings.encoders, settings.encoder, settings.sentence_encoder, settings.licences)


def build_options(settings: Settings) -> BuildOptions:
    """How indexes are built."""
    return BuildOptions(plan=encoder_plan(settings), kind=settings.vector_index, device=settings.device)


def open_retriever(home: Home, settings: Settings, generator: Callable[[], Generator] | None = None) -> Retriever:
    """The retriever on a home; `generator` opens the one that answers, which a re-ranking may ask too."""

    def opened() -> Generator:
        return open_generator(settings.generator, settings.device, home.path)

    return Retriever.open(
        home,
        index=settings.index,
        plan=encoder_plan(settings),
        device=settings.device,
        ranking=Ranking(
            fusion=None if settings.fusion == AUTO else fusion_method(settings.fusion),
            rerankers=rerankers_of(settings, home.path, ImageStore(home.images), generator or cache(opened)),
            policy=None if settings.selection == AUTO else selection_policy(settings.selection),
        ),
    )
