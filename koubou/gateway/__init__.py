"""The metered door: what agents ask of their model is checked, held for, sent with the real key, and settled."""
