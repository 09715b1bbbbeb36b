"""The drawn teaching corpus: simulated cases of every domain and an illustrated primer."""

from corpora.teaching.case import DrawnCase, Question
from corpora.teaching.writer import PRIMER, TEACHING, Written, example, teaching_cases, write_teaching

__all__ = ["PRIMER", "TEACHING", "DrawnCase", "Question", "Written", "example", "teaching_cases", "write_teaching"]
