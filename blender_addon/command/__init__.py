"""What the `facegen` command does, one verb or product a file; `cli` is its door."""
