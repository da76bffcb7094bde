"""What a secret looks like: by its form, beside a telling name, in plain speech, as a number of a person, as a mark.

`rules.classify` looks for all of it; each module here has the patterns of one kind.
"""
