"""Importing a package is cheap, and its face is what `__all__` says."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = str(Path(__file__).parents[1])
PACKAGES = ("app", "corpora", "indexing", "retrievers", "ui")
HEAVY = {
    "bitsandbytes", "faiss", "gradio", "langchain_core", "langchain_openai", "open_clip", "pandas", "scipy",
    "sentence_transformers", "sklearn", "timm", "torch", "torchvision", "transformers",
}  # fmt: skip
CHEAP = (
    "app",
    "corpora",
    "corpora.records",
    "indexing",
    "indexing.encoders",
    "indexing.vectors",
    "retrievers",
    "ui",
    "ui.chat",
)


def modules() -> list[str]:
    """Every module of the five packages, but for those that are run and not imported."""
    found = list(PACKAGES)
    for package in PACKAGES:
        folder = importlib.import_module(package).__path__
        found += [module.name for module in pkgutil.walk_packages(folder, f"{package}.")]
    return sorted(name for name in found if not name.endswith((".__main__", ".env")) and ".versions" not in name)


@pytest.mark.parametrize("name", CHEAP)
def test_importing_loads_nothing_heavy(name: str) -> None:
    code = f"import sys, {name}; print(*sorted(set(module.partition('.')[0] for module in sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert set(done.stdout.split()) & HEAVY == set()


def test_importing_touches_neither_files_nor_environment_nor_logging(tmp_path: Path) -> None:
    code = f"""
import logging, os, sys
sys.path.insert(0, {ROOT!r})
before = dict(os.environ), list(logging.root.handlers), list(sys.meta_path)
import {", ".join(CHEAP)}
assert (dict(os.environ), list(logging.root.handlers), list(sys.meta_path)) == before
"""
    command = [sys.executable, "-B", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout + done.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_the_tree_of_commands_needs_no_settings_and_no_arrays() -> None:
    code = (
        "import sys; from ui.cli.commands import build; build();"
        "assert {'numpy', 'PIL', 'pydantic', 'sqlalchemy'} & set(sys.modules) == set()"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_heavy_names_are_loaded_when_they_are_first_named() -> None:
    code = (
        "import sys, retrievers; retrievers.Retriever; assert 'langchain_core' not in sys.modules;"
        "retrievers.CurbsideRetriever; assert 'langchain_core' in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        getattr(importlib.import_module("retrievers"), "Nothing")  # noqa: B009 (mypy would rightly complain)


@pytest.mark.parametrize("name", modules())
def test_what_a_module_exports_is_there_once_and_sorted(name: str) -> None:
    module = importlib.import_module(name)
    exported = getattr(module, "__all__", [])
    assert len(set(exported)) == len(exported)
    assert list(exported) == sorted(exported, key=_isort_order)
    for public in exported:
        assert hasattr(module, public)


@pytest.mark.parametrize("name", [name for name in modules() if hasattr(importlib.import_module(name), "__path__")])
def test_a_package_shows_only_what_it_exports(name: str) -> None:
    package = importlib.import_module(name)
    made_here = {
        key
        for key, value in vars(package).items()
        if not key.startswith("_") and f"{getattr(value, '__module__', '')}.".startswith(f"{name}.")
    }
    assert made_here <= set(getattr(package, "__all__", ())), name


def test_modules_have_docstrings() -> None:
    assert [name for name in modules() if not (importlib.import_module(name).__doc__ or "").strip()] == []


def _isort_order(name: str) -> tuple[int, str]:
    """Constants, then classes, then functions, as ruff sorts `__all__`."""
    plain = name.lstrip("_")
    return (0 if plain.isupper() and len(plain) > 1 else 1 if plain[:1].isupper() else 2), name
