"""Small, complete strategies."""
