"""One table of typed operations over the workspace; the server, the widgets and OpenAPI are made from it."""
