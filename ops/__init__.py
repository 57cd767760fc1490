"""Seen from outside: signs of life, alarms and their delivery, readiness, metrics, backup and restore."""
