"""Sets ClassTap up on a bare machine: system libraries, `.venv` from the lock, surroundings. Standard library only."""
