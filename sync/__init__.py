"""How devices and the cloud agree: the protocol, and the client engine. No Qt, no web framework."""
