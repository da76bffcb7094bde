"""The decisions: pure functions, values in, a decision out. No clock, no files, no chance."""
