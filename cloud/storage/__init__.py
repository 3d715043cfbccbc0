"""What the cloud keeps, in SQL. Nothing outside this folder knows a table."""
