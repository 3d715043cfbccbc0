"""Who may do what: staff, grants, devices, PINs, and the scopes a device may hold."""
