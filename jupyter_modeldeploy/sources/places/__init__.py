"""Files by their address: URLs, object stores, package indexes, folders."""
