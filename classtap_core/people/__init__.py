"""Families and children, cut along sensitivity, so that a device holds a record whole or not at all."""
