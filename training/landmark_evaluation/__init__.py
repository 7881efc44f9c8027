"""Measuring the second generator: landmarks, skin, identity and variety on unseen subjects."""
