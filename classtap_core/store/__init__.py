"""The encrypted store of one device: SQLite under SQLCipher, one writer thread."""
