"""Plans rendered for an engine and run by it."""
