"""Queues, agents, devices: the inbound half. Empty until its issue is built."""
