"""The desk's screens: each a model that needs no widgets, and a thin view over it."""
