"""Haematoxylin and eosin by optical density.

A stain of amount c takes from each colour channel the optical density c · v, where v is the stain's unit vector;
densities of several stains add up (Beer–Lambert). Vectors were measured by A. C. Ruifrok and D. A. Johnston
("Quantification of histochemical staining by color deconvolution", Anal. Quant. Cytol. Histol. 23, 2001) and, on
a slide scanner, by M. Macenko and others ("A method for normalizing histology slides for quantitative analysis",
ISBI 2009). Laboratories lie between and around the two.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from corpora.teaching.texture import Field

__all__ = ["MACENKO", "RUIFROK", "Stains", "between", "stain", "unmix"]


@dataclass(frozen=True, slots=True)
class Stains:
    """The directions in optical density (R, G, B) of haematoxylin and of eosin."""

    hematoxylin: tuple[float, float, float]
    eosin: tuple[float, float, float]

    def basis(self) -> Field:
        """Unit vectors of both stains and of what is left over, as rows `(3, 3)`."""
        rows = [_unit(np.array(self.hematoxylin)), _unit(np.array(self.eosin))]
        return np.stack([*rows, _unit(np.cross(rows[0], rows[1]))])


RUIFROK = Stains((0.650, 0.704, 0.286), (0.072, 0.990, 0.105))
MACENKO = Stains((0.5626, 0.7201, 0.4062), (0.2159, 0.8012, 0.5581))


def between(share: float) -> Stains:
    """Stains of a laboratory: 0 gives `RUIFROK`, 1 `MACENKO`."""
    rows = [
        tuple(((1 - share) * np.array(a) + share * np.array(b)).tolist())
        for a, b in ((RUIFROK.hematoxylin, MACENKO.hematoxylin), (RUIFROK.eosin, MACENKO.eosin))
    ]
    return Stains(rows[0], rows[1])


def _unit(vector: Field) -> Field:
    result: Field = vector / np.sqrt((vector**2).sum())
    return result


def stain(
    hematoxylin: Field, eosin: Field, stains: Stains = RUIFROK, white: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> Field:
    """The colour `(h, w, 3)` from 0 to 1 of tissue with these amounts `(h, w)` of stain.

    `white` is the colour of the lamp.
    """
    rows = stains.basis()
    density = hematoxylin[..., None] * rows[0] + eosin[..., None] * rows[1]
    result: Field = np.asarray(white) * np.power(10.0, -density)
    return result


def unmix(
    pixels: NDArray[np.uint8], stains: Stains = RUIFROK, white: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> tuple[Field, Field]:
    """The amounts of haematoxylin and eosin in a picture `(h, w, 3)`: the inverse of `stain`."""
    light = np.maximum(pixels.astype(np.float64) / 255.0, 1 / 255.0) / np.asarray(white)
    amounts = -np.log10(light) @ np.linalg.inv(stains.basis())
    return amounts[..., 0], amounts[..., 1]
