"""Koubou (工房), a workshop for language-model work.

The way of a dropped file, room by room:

    hands     the intake hears the bell, claims the file, reads it within bounds and examines it
              (folders: files; documents: YAML and JSON with lines and limits; rules, detectors: what is secret)
    steps     intake → classify → route → admit, asking rules of the same name
    board     keeps the one durable truth; the ledger is part of it
    master    turns the steps over, owns the clock, the signals and the crew
              (nursery: forks hands and workers, with all that they are made of loaded)
    wire      carries an assignment to a worker and its word back
    worker    runs one tier's calls through a backend, and leaves a durable record
              (gateway: an agent's own calls, each checked, held for, sent with the real key, and settled)
    steps     settle → file away
    hands     the shelving puts the answer on its shelf, completed/ or failed/

Who looks on and steers: cli and window show the same (views), and ask the master for every change.

Start with `model.status` for the words, `steps.STEPS` for the order, `master.turn` for the heart.
"""

__version__ = "0.1.0"
