"""A search for the form of a model that suits a machine best, within a loss of accuracy that its user allows."""
