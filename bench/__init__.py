"""Headline claims, one file each: every number stands beside what a user would use instead, measured in one run."""
