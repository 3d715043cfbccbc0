"""Seat maps: rooms and spots to scale, numbered, checked, versioned, read and written."""
