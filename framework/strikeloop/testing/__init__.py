"""What users test their plugins with: fixtures, a scripted adapter, contract suites."""
