"""Two hosts in network namespaces, a mesh over both, and what breaks the path between them."""
