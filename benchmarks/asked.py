"""Mixed-language, misspelt and abbreviated questions to BM25 alone: success@10 as typed, and as understood.

A question succeeds where one of the first ten records carries a finding that it asks for (`asked.toml`); those of
which the home holds no such record are left out. The index is built here, as the index job builds it.
"""

import sys
import tomllib
from collections import defaultdict
from pathlib import Path

import numpy as np

from corpora.catalog import Catalog
from corpora.home import Home
from corpora.language import packaged_lexicon
from corpora.records import Record
from indexing.describe import lexical_text
from indexing.lexical import LexicalIndex
from retrievers.understanding import understand

_FIRST = 10


def run(home: Path = Path("demo-home")) -> None:
    if not (home / "curbside.toml").is_file():
        print(f"skipped: there is no {home}; run 'make demo' first")
        return
    with Catalog.open(Home.open(home).catalog_url) as catalog:
        records = catalog.get([key.uid for key in catalog.keys()])  # noqa: SIM118
    groups = tomllib.loads((Path(__file__).parent / "asked.toml").read_text(encoding="utf-8"))["asked"]
    rows = defaultdict(list)
    for domain in sorted({group["domain"] for group in groups}):
        cases = [record for record in records.values() if record.domain == domain]
        index = LexicalIndex.build([lexical_text(record) for record in cases], [record.uid for record in cases])
        for group in (group for group in groups if group["domain"] == domain):
            right = {record.uid for record in cases if _shown(record) & set(group["wants"])}
            for text in group["texts"] if right else ():
                found = [index.search(asked, _FIRST)[1].tolist() for asked in (text, understand(text).search_text)]
                rows[group["kind"]].append([bool(right & set(uids)) for uids in found])
    print(f"{'kind':<10}{'n':>4}{'as typed':>10}{'understood':>12}")
    for kind, values in (*rows.items(), ("all", [row for group in rows.values() for row in group])):
        typed, understood = np.mean(values, axis=0)
        print(f"{kind:<10}{len(values):>4}{typed:>10.3f}{understood:>12.3f}")


def _shown(record: Record) -> set[str]:
    return {term.name for label in record.labels for term in packaged_lexicon().find(label, "findings")}


if __name__ == "__main__":
    run(Path(sys.argv[1]) if len(sys.argv) > 1 else Path("demo-home"))
