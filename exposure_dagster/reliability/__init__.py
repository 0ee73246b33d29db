"""How far a figure can be trusted: statistics of agreement, of uncertainty, and of how many samples are worth taking.

Arrays in, figures out: nothing here knows of prompts, tables or settings. `nan` stands for what is missing; a figure
that is not defined for what was handed in (too few pairs, nothing that varies) is None.
"""
