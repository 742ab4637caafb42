"""How good a model's answers to held-out rows are, how sure that is, and by how much two models differ."""
