"""Families, their children and their passes."""
