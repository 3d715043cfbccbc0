"""The admin desk."""
