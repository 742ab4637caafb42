"""Which files of all that a source offers are wanted, and where each belongs; decided before the first byte."""
