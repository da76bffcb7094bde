"""The command line: `main` finds the verb, one module per verb does it. Start with `verbs`."""
