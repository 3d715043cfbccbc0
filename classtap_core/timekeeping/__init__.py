"""Zones, local days and windows: how a wall clock becomes an instant, and back."""
