"""Alerts that leave the process."""
