"""What all readers of sources share: trees of pages, Markdown, figures, CSV files, archives, damage.

What a source's own pages and files look like belongs to its corpus.
"""
