"""The roster of one session, live."""
