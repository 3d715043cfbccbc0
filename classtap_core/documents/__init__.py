"""Policies and waivers: their versions, where they are attached, and who has signed which."""
