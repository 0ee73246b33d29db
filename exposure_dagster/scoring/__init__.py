"""Scores: who answers a prompt about documents, and what an answer costs.

`baseline*` estimates answers from words alone. What is ranked afterwards, and how, is not decided here.
"""
