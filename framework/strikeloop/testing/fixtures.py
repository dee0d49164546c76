"""The fixtures of the pytest plugin that comes with the core."""
