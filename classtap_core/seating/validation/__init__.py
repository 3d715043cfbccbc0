"""Whether a map holds in the real room: one rule a module, one checker over them all."""
