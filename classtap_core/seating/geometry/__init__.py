"""Exact decisions on integer micrometres: what overlaps, what is how far apart, what can be walked through."""
