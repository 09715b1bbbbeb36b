"""The illustrated primer: text that lies beside this module, and its figures drawn when it is written.

What is written is an OpenStax-style book (modules, collection, media), which the ordinary `openstax` reader reads.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from corpora.teaching.case import DrawnCase, Pixels

__all__ = ["DRAWINGS", "Drawing", "write"]


@dataclass(frozen=True, slots=True)
class Drawing:
    """A figure that a renderer draws: `example(finding, seed)` of a module of this package."""

    module: str
    finding: str
    seed: int

    def draw(self) -> Pixels:
        """The picture, `(h, w)` grey or `(h, w, 3)`."""
        example = importlib.import_module(f"corpora.teaching.{self.module}").example
        case: DrawnCase = example(self.finding, self.seed)
        return case.draw()


DRAWINGS: Mapping[str, Drawing] = {
    "rad-normal": Drawing("chest_radiograph", "normal", 3),
    "rad-heart": Drawing("chest_radiograph", "cardiomegaly", 2),
    "rad-effusion": Drawing("chest_radiograph", "pleural effusion", 4),
    "rad-pneumothorax": Drawing("chest_radiograph", "pneumothorax", 3),
    "rad-consolidation": Drawing("chest_radiograph", "consolidation", 2),
    "rad-edema": Drawing("chest_radiograph", "pulmonary edema", 2),
    "rad-nodule": Drawing("chest_radiograph", "pulmonary nodule", 2),
    "rad-pacemaker": Drawing("chest_radiograph", "pacemaker", 2),
    "rad-subdural": Drawing("head_ct", "subdural hematoma", 2),
    "rad-ich": Drawing("head_ct", "intracerebral hemorrhage", 2),
    "rad-infarct": Drawing("head_ct", "cerebral infarction", 2),
    "us-normal": Drawing("lung_ultrasound", "normal", 2),
    "us-blines": Drawing("lung_ultrasound", "b-line", 3),
    "us-consolidation": Drawing("lung_ultrasound", "consolidation", 2),
    "us-effusion": Drawing("lung_ultrasound", "pleural effusion", 2),
    "us-pleura": Drawing("lung_ultrasound", "pleural irregularity", 2),
    "us-breast": Drawing("breast_ultrasound", "normal", 2),
    "us-cyst": Drawing("breast_ultrasound", "breast cyst", 3),
    "us-fibroadenoma": Drawing("breast_ultrasound", "fibroadenoma", 2),
    "us-carcinoma": Drawing("breast_ultrasound", "breast carcinoma", 2),
    "eye-cataract": Drawing("fundus", "cataract", 2),
    "eye-glaucoma": Drawing("fundus", "glaucoma", 5),
    "eye-papilledema": Drawing("fundus", "papilledema", 2),
    "eye-moderate": Drawing("fundus", "moderate nonproliferative diabetic retinopathy", 3),
    "eye-severe": Drawing("fundus", "severe nonproliferative diabetic retinopathy", 2),
    "eye-proliferative": Drawing("fundus", "proliferative diabetic retinopathy", 4),
    "eye-drusen": Drawing("fundus", "drusen", 3),
    "eye-atrophy": Drawing("fundus", "geographic atrophy", 2),
    "eye-brvo": Drawing("fundus", "branch retinal vein occlusion", 2),
    "eye-myopia": Drawing("fundus", "pathological myopia", 3),
    "skin-nevus": Drawing("dermoscopy", "melanocytic nevus", 4),
    "skin-blue": Drawing("dermoscopy", "blue nevus", 2),
    "skin-melanoma": Drawing("dermoscopy", "melanoma", 3),
    "skin-veil": Drawing("dermoscopy", "blue-white veil", 5),
    "skin-keratosis": Drawing("dermoscopy", "milia-like cysts", 2),
    "skin-actinic": Drawing("dermoscopy", "actinic keratosis", 2),
    "skin-bcc": Drawing("dermoscopy", "blue-gray ovoid nests", 3),
    "skin-fibroma": Drawing("dermoscopy", "dermatofibroma", 2),
    "skin-hemangioma": Drawing("dermoscopy", "hemangioma", 2),
    "path-colon": Drawing("histology", "normal colonic mucosa", 2),
    "path-liver": Drawing("histology", "normal liver", 2),
    "path-squamous": Drawing("histology", "normal squamous mucosa", 2),
    "path-active": Drawing("histology", "crypt abscess", 2),
    "path-chronic": Drawing("histology", "crypt distortion", 2),
    "path-steatosis": Drawing("histology", "steatosis", 2),
    "path-cirrhosis": Drawing("histology", "cirrhosis", 2),
    "path-adeno": Drawing("histology", "mitosis", 4),
    "path-poor": Drawing("histology", "adenocarcinoma", 11),
    "path-pearl": Drawing("histology", "keratin pearl", 2),
    "path-smear": Drawing("blood_smear", "normal blood smear", 3),
    "path-iron": Drawing("blood_smear", "iron deficiency anemia", 2),
    "path-sickle": Drawing("blood_smear", "sickle cell disease", 2),
    "path-malaria": Drawing("blood_smear", "malaria", 2),
    "path-blast": Drawing("blood_smear", "acute leukemia", 2),
}


def write(folder: Path) -> int:
    """Write the book to a folder that may exist; returns the number of pictures. The bytes are always the same."""
    from corpora.teaching.primer_diagrams import DIAGRAMS

    _copy(resources.files("corpora.teaching") / "primer_text", folder)
    media = folder / "media"
    media.mkdir(parents=True, exist_ok=True)
    pictures = {**DIAGRAMS, **{name: drawing.draw for name, drawing in DRAWINGS.items()}}
    for name, draw in pictures.items():
        _save(draw(), media / f"{name}.png")
    return len(pictures)


def _copy(source: Traversable, folder: Path) -> None:
    """The CNXML files of the package, whatever it is installed in."""
    for entry in source.iterdir():
        if entry.is_dir():
            _copy(entry, folder / entry.name)
        elif entry.name.endswith((".cnxml", ".xml")):
            folder.mkdir(parents=True, exist_ok=True)
            (folder / entry.name).write_bytes(entry.read_bytes())


def _save(pixels: Pixels, path: Path) -> None:
    notes = PngInfo()
    notes.add_text("Comment", "drawn, not a patient")
    Image.fromarray(np.ascontiguousarray(pixels)).save(path, "PNG", pnginfo=notes)
