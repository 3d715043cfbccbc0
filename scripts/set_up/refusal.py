"""The one way set-up says no: a sentence with what to do."""


class Refusal(Exception):
    """Set-up cannot go on; the text is the sentence a person reads."""
