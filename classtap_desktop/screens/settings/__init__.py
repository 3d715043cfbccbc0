"""How a person likes the desk."""
