"""Labelled data: what comes in, how it is checked, and the fixed split that trainers read."""
