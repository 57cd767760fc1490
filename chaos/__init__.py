"""The proof of the promise: a rig that breaks the product while it dials, and an oracle that judges what came of it."""
