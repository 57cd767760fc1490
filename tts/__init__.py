"""Sound: what a callee hears, as 8 kHz audio."""
