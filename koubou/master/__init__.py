"""親方, the one process that decides: it turns the steps over, owns the clock, the signals and the crew.

`main` sets it up, `loop` waits and wakes, `turn` decides in one transaction, `deeds` does what was decided: through
the hands (files) and the crew (runs).
"""
