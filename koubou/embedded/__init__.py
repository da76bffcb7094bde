"""The language model in the house: its weights (`registry`, `weights`), its `server`, and who keeps it (`keeper`)."""
