"""職人: one subprocess that serves one tier: takes assignments over the wire, leaves records, never sees the board."""
