"""Finding secrets with a library that is better at it than we are; `rules.classify` decides what the finds mean."""
