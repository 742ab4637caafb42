"""Model hubs and code forges, which list a repository's files at an exact commit."""
