"""One file a version. `books` gives a step the tables of the directory by their names on either engine."""
