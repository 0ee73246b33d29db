"""What leaves the warehouse for other programs and for people: plain files in a published folder.

`publication` switches the folder in one step, `exports` writes the tables, `brief` the document that
is made to be pasted into a language model.
"""
