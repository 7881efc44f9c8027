"""How well any head is matched and moved: `make bench-heads`."""
