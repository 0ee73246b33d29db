"""Occupations, questions and answers: the domain, the code location and the command line."""

__version__ = "0.1.0"
