"""The studio and its places, classes and sessions."""
