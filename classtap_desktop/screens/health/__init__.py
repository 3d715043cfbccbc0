"""How this device is and what may be done about it: its clock and room, what was set aside, the studio's other devices."""
