"""How the guardian is told: as an issue on GitHub, by a webhook. Start with `deliver`; the words are in `words`."""
