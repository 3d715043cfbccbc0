"""Seat maps as files: one module a format. Readers raise BadInput with the place in the file, never anything else."""
