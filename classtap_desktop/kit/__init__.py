"""What desk and kiosk both draw: theme, the signal adapter, widgets."""
