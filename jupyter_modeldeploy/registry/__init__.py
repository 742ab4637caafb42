"""Versions as others rely on them: who may move an alias and when, and how two versions differ."""
