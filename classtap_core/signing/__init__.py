"""Signing for a screen: what a family has to sign, and the PDF that shows exactly what was signed."""
