"""The seat-map editor: a room to scale that is drawn, dragged and typed, with every rule watched while it changes."""
