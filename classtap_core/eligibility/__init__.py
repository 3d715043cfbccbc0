"""Whether a child may take a class, why not, and from when: one engine for every screen, page and job."""
