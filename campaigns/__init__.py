"""Whom to call, when, how often, and what came of it."""
