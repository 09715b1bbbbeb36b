"""Domain-aware retrieval: ask with text, pictures or both, get records with their reasons."""
