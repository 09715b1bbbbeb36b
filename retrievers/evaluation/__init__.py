"""Measuring retrieval and routing on the records of a home."""
