"""Where a model's time and memory go, and how an endpoint answers under load."""
