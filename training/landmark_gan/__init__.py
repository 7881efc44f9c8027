"""Training the second generator (LM-4DGAN): curves, a neutral and noise to moving landmarks."""
