"""Speaks to Asterisk; knows calls, trunks and nodes, no campaign and no agent."""
