"""窓, the window: what is seen of the workshop from outside. It reads the board, and asks the master for the rest."""
