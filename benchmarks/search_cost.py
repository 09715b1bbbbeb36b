"""End-to-end search against its parts (encoder forward and index search), on the demo home."""

from pathlib import Path

import numpy as np

from benchmarks.timing import median_seconds
from corpora.teaching import example
from indexing.encoders import open_encoder
from retrievers import Query, Retriever


def run(home: Path = Path("demo-home")) -> None:
    if not (home / "curbside.toml").is_file():
        print(f"skipped: there is no {home}; run 'make demo' first")
        return
    from PIL import Image

    base = np.asarray(example("chest_radiograph", "pleural effusion", 991).draw())
    joint = open_encoder("embedded:radiology")
    rng = np.random.default_rng(0)

    def fresh() -> Image.Image:
        """Another picture every time, so that no remembered feature helps."""
        noise = rng.integers(-3, 4, base.shape)
        return Image.fromarray(np.clip(base.astype(np.int16) + noise, 0, 255).astype(np.uint8)).convert("RGB")

    with Retriever.open(home) as retriever:
        side = retriever.index.sides["radiology", "image"]
        vector = joint.encode_images([fresh()])

        def parts() -> None:
            joint.encode_images([fresh()])
            side.index.search(vector, 50)

        alone = median_seconds(parts)
        whole = median_seconds(lambda: retriever.search(Query(images=[fresh()]), 10))
        text = median_seconds(lambda: retriever.search(Query(text=f"effusion {rng.integers(1_000_000)}"), 10))
    print(f"picture: search / (encoder forward + one index search) = {whole / alone:.2f}")
    print(f"   text: search / the same                             = {text / alone:.2f}")
