"""The command line: one module a noun."""

from __future__ import annotations

import os
import sys
from typing import Any

__all__ = ["main"]

_STOPPED = 130


def main() -> None:
    """Run `curbside`; a sentence and status 2 for what the user can mend, status 1 for a bug."""
    import typer

    from corpora.errors import CurbsideError
    from ui.cli.commands import build

    # The base of typer's own complaints about arguments; its name lies in a private module.
    usage_error: Any = typer.BadParameter.__bases__[0]
    verbose = any(argument in ("-v", "--verbose") for argument in sys.argv[1:])
    try:
        status = build()(prog_name="curbside", standalone_mode=False)
    except usage_error as error:
        _fail(_usage(error), 2)
    except CurbsideError as error:
        _fail(str(error), 2)
    except (KeyboardInterrupt, typer.Abort):
        status = _STOPPED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:  # the border of the command line: a bug is told in one line, whole under -v
        if verbose:
            raise
        _fail(f"A bug in Curbside: {type(error).__name__}: {error}. Run again with -v for the whole trace.", 1)
    if status == _STOPPED:
        _fail("Stopped; nothing is half-written.", _STOPPED)
    sys.exit(status if isinstance(status, int) else 0)


def _usage(error: Any) -> str:
    """What is wrong with the arguments, and where help is; "" where the help itself was printed instead."""
    message = " ".join(str(error.format_message()).split())
    if not message:
        return ""
    command = error.ctx.command_path if error.ctx else "curbside"
    option = str(getattr(error, "option_name", None) or "")
    if error.ctx and error.ctx.parent and any(option in one.opts for one in error.ctx.find_root().command.params):
        return f"{option} stands before the command: curbside {option} … {command.removeprefix('curbside ')} …"
    return f"{message.rstrip('.')}; see: {command} --help"


def _fail(sentence: str, status: int) -> None:
    if sentence:
        print(f"curbside: {' '.join(sentence.split())}", file=sys.stderr)  # noqa: T201
    sys.exit(status)
