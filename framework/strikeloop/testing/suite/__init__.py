"""The contract suites: what every adapter and every strategy promises, as tests that its author runs offline."""
