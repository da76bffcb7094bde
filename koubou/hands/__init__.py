"""The master's two hands, processes of their own so that no turn ever waits for a disk or for a hostile file.

`intake` watches the drop folder, claims, reads and examines what lies there. `shelving` writes the folders of tasks
that have ended. Both do what the master tells them over the wire, may die at any time, and are started again: what
they owed stands on the board or in the folder.
"""
