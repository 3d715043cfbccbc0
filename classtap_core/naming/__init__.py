"""How names are spelled and found: without case and accents, across scripts, with a slip of the finger."""
