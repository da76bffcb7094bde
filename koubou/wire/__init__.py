"""Master ↔ worker: what they say (`messages`) and how it is cut into bytes (`framing`), without any I/O."""
