"""Published protocols as one command: folds, trainings, and the table over all folds."""
