"""Pages of the cloud that people open in a browser."""
