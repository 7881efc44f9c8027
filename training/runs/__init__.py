"""What all training runs need: checkpoints, devices, processes, settings, provenance."""
