"""What the cloud does by itself when its time has come."""
