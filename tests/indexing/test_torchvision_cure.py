"""The cure for a torchvision that does not fit its torch, in processes of their own."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = str(Path(__file__).parents[2])


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_arming_imports_nothing_and_is_done_once() -> None:
    run("""
        import sys
        from indexing import torchvision_cure
        before, finders = set(sys.modules), len(sys.meta_path)
        torchvision_cure.arm()
        torchvision_cure.arm()
        assert set(sys.modules) == before
        assert len(sys.meta_path) == finders + 1
        assert "torch" not in sys.modules
    """)


def test_torchvision_and_what_needs_it_can_be_imported_with_or_without_the_cure_at_work() -> None:
    run("""
        from indexing import torchvision_cure
        torchvision_cure.arm()
        import torchvision.transforms, timm
        import torch
        assert torchvision.transforms.Resize(4)(torch.zeros(3, 8, 8)).shape == (3, 4, 4)
    """)


def test_a_whole_torchvision_is_left_alone() -> None:
    assert (
        run("""
        from indexing import torchvision_cure
        torchvision_cure._is_whole = lambda folder: True
        def declare():
            raise AssertionError("nothing was to be cured")
        torchvision_cure._declare = declare
        torchvision_cure.arm()
        try:
            import torchvision
        except RuntimeError:
            pass  # it was not whole in truth
        print("left alone")
    """)
        == "left alone\n"
    )


def test_a_broken_one_is_declared_once_and_only_when_it_is_imported() -> None:
    assert (
        run("""
        from indexing import torchvision_cure
        calls = []
        real = torchvision_cure._declare
        torchvision_cure._is_whole = lambda folder: False
        def declare():
            calls.append("declared")
            return real()
        torchvision_cure._declare = declare
        torchvision_cure.arm()
        from importlib.util import find_spec
        assert find_spec("torchvision") is not None
        assert calls == []
        import torchvision, torchvision.transforms
        usual = type(torchvision.transforms.__loader__)
        assert type(torchvision.__loader__) is type(torchvision.__spec__.loader) is usual
        print(calls)
    """)
        == "['declared']\n"
    )


def test_without_torchvision_there_is_nothing_to_do() -> None:
    run("""
        from importlib.machinery import PathFinder
        from indexing import torchvision_cure
        real = PathFinder.find_spec
        PathFinder.find_spec = lambda name, *rest: None if name == "torchvision" else real(name, *rest)
        torchvision_cure.arm()
        try:
            import torchvision
        except ModuleNotFoundError:
            pass
        else:
            raise AssertionError
    """)


def test_the_declared_operators_are_those_that_torchvision_registers_for_fakes() -> None:
    """A later torchvision with a new operator shows here, by a failing import, and not at a user's."""
    run("""
        from indexing import torchvision_cure
        torchvision_cure.arm()
        import torchvision
        import torch
        assert torch.ops.torchvision.nms is not None
    """)


def test_threads_that_import_at_once_do_not_wait_for_each_other_for_ever() -> None:
    """One imports torch, another what looks for torchvision, as the first searches of a process do."""
    code = """
        import faulthandler, importlib, threading
        faulthandler.dump_traceback_later(100, exit=True)
        from indexing import torchvision_cure
        torchvision_cure.arm()
        names = ["torch", "torchvision", "timm", "sentence_transformers", "torch", "open_clip"]
        start = threading.Barrier(len(names))
        def load(name):
            start.wait()
            importlib.import_module(name)
        threads = [threading.Thread(target=load, args=(name,)) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print("loaded")
    """
    assert run(code).endswith("loaded\n")
