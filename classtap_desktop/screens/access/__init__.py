"""People and roles: who holds which role where until when, given to many at once, and why somebody may do something."""
