"""The device's side of sync: queue drain, pull and rebase, bootstrap, retry, live hints."""
