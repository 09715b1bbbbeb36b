"""Vector indexes against NumPy's exact search: time of a query, and recall@10."""

import numpy as np

from benchmarks.timing import median_seconds
from indexing.vectors import make_index


def run(count: int = 100_000, dim: int = 256) -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((500, dim))
    rows = centres[rng.integers(0, 500, count)] + 0.7 * rng.standard_normal((count, dim))
    vectors = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    ids = rng.permutation(count).astype(np.int64)
    queries = vectors[:64]
    reference = make_index(vectors, ids, "exact")
    gold = reference.search(queries, 10)[1]
    base = median_seconds(lambda: reference.search(queries[:1], 10))
    print(f"{'exact':>6}: 1.00 × (one query over {count:,} vectors: {1000 * base:.1f} ms)")
    for kind in ("flat", "hnsw", "ivf"):
        index = make_index(vectors, ids, kind)
        seconds = median_seconds(lambda index=index: index.search(queries[:1], 10))
        found = index.search(queries, 10)[1]
        recall = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(found.tolist(), gold.tolist(), strict=True)])
        print(f"{kind:>6}: {seconds / base:.2f} ×, recall@10 {recall:.3f}")
