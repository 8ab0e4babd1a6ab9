"""Who may connect, and who may do what: TLS, client certificates, API keys. See docs/security.md."""

from smserve.server.security.access import Access
from smserve.server.security.settings import Security

__all__ = ["Access", "Security"]
