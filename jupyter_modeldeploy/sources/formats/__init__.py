"""How the files of each kind of model are read: enough of each to tell what it is, never run or loaded.

Sizes that a file claims are bounded before anything is made of that size, so that a hostile file ends in InvalidInput.
"""
