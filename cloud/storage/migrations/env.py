"""How Alembic runs our steps: on the connection it is given, inside the transaction that is open there."""

from alembic import context

context.configure(**context.config.attributes["classtap"])
context.run_migrations()
