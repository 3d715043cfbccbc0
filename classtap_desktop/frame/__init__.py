"""What stands around every screen: side bar, top bar, palette, sign-in and help."""
