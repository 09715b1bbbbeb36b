"""Generators: what turns a question and its evidence into an answer."""
