"""Numbers with their nouns, for the command line and the chat."""

from __future__ import annotations

__all__ = ["counted"]


def counted(number: int, one: str, many: str = "") -> str:
    """A number with its noun.

    >>> counted(1, "case"), counted(1312, "case")
    ('1 case', '1,312 cases')
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
