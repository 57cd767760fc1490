"""Every row of docs/security.md is tried here, or in the tests that it names."""
