"""What goes wrong with medical pictures, made on purpose: for measuring robustness and as augmentation.

The families and most of the strengths are those of MedMNIST-C (Di Salvo, Doerrich and Ledig, 2024, arXiv:2406.17536);
the code is our own, in NumPy and Pillow.
"""

from indexing.training.corruptions.families import SEVERITIES, corrupt, corruption_names, reference_picture

__all__ = ["SEVERITIES", "corrupt", "corruption_names", "reference_picture"]
