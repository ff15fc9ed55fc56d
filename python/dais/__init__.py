"""The `dais` command of the Dais ML platform, for Python environments."""
