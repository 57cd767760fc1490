"""Settings, database, extensions, logging and the templates of the PBX configuration."""
