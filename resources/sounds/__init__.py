"""The kiosk's tones and the script that makes them."""
