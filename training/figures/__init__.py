"""Pictures and figures of the evaluation: faces drawn in NumPy, plots by matplotlib (Agg)."""
