"""Encoders, vector and lexical indexes, and the jobs that build them."""
