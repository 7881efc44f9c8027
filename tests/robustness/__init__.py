"""What the product breaks on, asked chapter by chapter: `make robustness`, docs/robustness.md."""
