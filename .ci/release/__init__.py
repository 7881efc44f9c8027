"""What a release is made of and held to: pinned wheels, and the rules of the places it goes to."""
