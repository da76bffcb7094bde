"""The operator's settings: read in layers, checked whole, turned into tiers. Start with `settings`, then `load`."""
