"""`python -m classtap_cli` is `classtap`."""

from classtap_cli.main import app

if __name__ == "__main__":
    app(prog_name="classtap")
