"""The drawn teaching corpus: simulated cases of every domain and an illustrated primer."""

from corpora.teaching.case import DrawnCase, Question
from corpora.teaching.writer import (
    PRACTICE,
    PRIMER,
    TEACHING,
    Written,
    example,
    new_cases,
    teaching_cases,
    write_practice,
    write_teaching,
)

__all__ = [
    "PRACTICE",
    "PRIMER",
    "TEACHING",
    "DrawnCase",
    "Question",
    "Written",
    "example",
    "new_cases",
    "teaching_cases",
    "write_practice",
    "write_teaching",
]
