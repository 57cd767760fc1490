"""Installs what Obzvon needs. Standard library only: it runs before anything is installed."""
