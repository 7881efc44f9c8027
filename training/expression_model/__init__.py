"""Training the first generator (Potamias et al., ECCV 2020) and writing its bundle."""
