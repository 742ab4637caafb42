"""From one format to another, with proof that both answer alike."""
