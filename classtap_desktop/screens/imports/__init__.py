"""Bringing files in, taking one person's data out, and having somebody erased."""
