"""The feeds: one file for each whose files are read. What stands here is found by `registry.feeds`."""
