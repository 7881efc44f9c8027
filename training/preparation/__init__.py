"""The `prepare` verb: from what was downloaded or recorded to a set on disk."""
