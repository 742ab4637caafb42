"""Which options a sweep tries, by what it judges them, and when it gives one up. Imports no torch."""
