"""Where pages and downloads come from: kinds of site, fetching, and what is kept of each page.

Which pages a corpus consists of belongs here too. What is read out of a page belongs to `parsing`.
"""
