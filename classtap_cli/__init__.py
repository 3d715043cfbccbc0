"""The `classtap` command: parses, composes, prints; nothing else."""
