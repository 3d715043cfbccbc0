"""What the claims stand on: a large studio, its cloud as a process of its own, its kiosk's store, a proxy that counts."""
