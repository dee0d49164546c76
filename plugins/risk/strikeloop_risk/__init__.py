"""Pre-trade rules and monitors."""
