"""Teaching landmarks to move skin: the displacement decoder of LM-4DGAN."""
