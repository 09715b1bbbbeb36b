"""Fitting encoders: features of a home, computed once, and what is fitted on them."""
