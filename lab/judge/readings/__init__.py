"""How each figure is read off a history: one module per kind of evidence. Pure."""
