"""Ranking mathematics: frames in, frames out. Nothing here reads a table or asks a model."""
