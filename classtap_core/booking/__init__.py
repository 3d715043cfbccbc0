"""Places in sessions: bookings, leases that let a device book offline, and published policies."""
