"""The drawn teaching corpus: simulated cases of every domain and an illustrated primer."""
