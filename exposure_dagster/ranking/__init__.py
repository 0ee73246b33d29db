"""Ranking mathematics: frames in, frames out. Nothing here reads a table or asks a model."""

FORMULA_VERSION = "2"
"""Of all formulas of this package together. Raised by whoever changes what one of them gives: every prompt is then
ranked anew, which costs nothing. It is the code_version of the ranked assets."""
