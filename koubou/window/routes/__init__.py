"""The paths of the window, by what they are about."""
