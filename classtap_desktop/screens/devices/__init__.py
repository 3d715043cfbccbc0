"""How this device stands with the cloud."""
