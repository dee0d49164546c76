"""The adapter for Gate.io options."""
