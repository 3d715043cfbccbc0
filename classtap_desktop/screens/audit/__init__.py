"""The audit at the desk: what was done, found, compared and taken along."""
