"""The week, day by day."""
