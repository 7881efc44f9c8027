"""The making of ICT-4D: faces, their own expression shapes, and how people play them."""
