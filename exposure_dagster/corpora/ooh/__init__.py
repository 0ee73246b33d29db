"""The Occupational Outlook Handbook (OOH) of the U.S. Bureau of Labor Statistics: one document a page."""

NAME = "ooh"
