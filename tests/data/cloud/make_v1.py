"""How tests/data/cloud/v1.*.sql were made: by the first version's own code, once, on SQLite and PostgreSQL.

At the commit named in `git log -- tests/data/cloud`, with CLASSTAP_CLOUD_KEY set to `c1` 32 times: two studios of the
toy room, each with five children, four marks and an unused pairing code; then `sqlite3.Connection.iterdump`, and
`pg_dump --inserts --no-owner --no-privileges` without its comments and settings.
"""

KEY = "c1" * 32
STUDIOS = ("One", "Two")
OPERATIONS = 9
CHILDREN = 5
