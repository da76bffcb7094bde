"""Master ↔ worker: what they say (`messages`), how it becomes bytes (`framing`), and a run's `record`. No I/O."""
