"""The protocol between a device and the cloud, and the device's end of it."""
