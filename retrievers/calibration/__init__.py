"""What a home learned about its own records: values that win on held-out patients, and nothing else.

`retrievers.calibration.fit.calibrate` fits them; the retriever applies what is stored in the home.
"""

from retrievers.calibration.storage import CalibrationFolder
from retrievers.calibration.values import (
    Calibration,
    DomainCalibration,
    Part,
    RouterCalibration,
    SelectionCalibration,
)

__all__ = ["Calibration", "CalibrationFolder", "DomainCalibration", "Part", "RouterCalibration", "SelectionCalibration"]
