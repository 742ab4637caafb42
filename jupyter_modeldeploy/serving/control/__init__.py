"""What stands between a request and a model: limits, deadlines, breakers, caches, fallbacks and records."""
