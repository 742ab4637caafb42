"""Processes that share each batch: for people's own models and loaders, and for the trainers of datasets."""
