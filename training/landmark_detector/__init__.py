"""Teaching the landmark detector: heads nobody has, pictures of them, a small network, a table."""
