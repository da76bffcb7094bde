"""Reading YAML and JSON within bounds, with lines; checking what was read. Start with `reading`."""
