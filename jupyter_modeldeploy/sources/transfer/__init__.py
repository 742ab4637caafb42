"""How bytes come over the network and where they are kept: the guarded client, the one downloader, the cache."""
