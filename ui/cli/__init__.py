"""The command line: one module a noun."""

from __future__ import annotations

import os
import sys

__all__ = ["main"]


def main() -> None:
    """Run `curbside`; a sentence and status 2 for what the user can mend, status 1 for a bug."""
    from corpora.errors import CurbsideError
    from ui.cli.commands import build

    verbose = any(argument in ("-v", "--verbose") for argument in sys.argv[1:])
    try:
        build()(standalone_mode=True)
    except CurbsideError as error:
        _fail(str(error), 2)
    except KeyboardInterrupt:
        _fail("Stopped; nothing is half-written.", 130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # the border of the command line: a bug is told in one line, whole under -v
        if verbose:
            raise
        _fail(f"A bug in Curbside: {type(error).__name__}: {error}. Run again with -v for the whole trace.", 1)


def _fail(sentence: str, status: int) -> None:
    print(f"curbside: {sentence}", file=sys.stderr)  # noqa: T201
    sys.exit(status)
