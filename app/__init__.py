"""The assistant: settings, prompts, generators, citations and answers."""
