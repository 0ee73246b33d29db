"""Prompts: Markdown files that hold a question, its scale, and how its answers are ranked.

`model` says what a prompt may hold and which parts make up which hash, `files` reads and checks
prompt files, `render` makes the words that a model is sent. Nothing here asks a model.
"""
