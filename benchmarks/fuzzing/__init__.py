"""Pictures and requests that try to break a server."""
