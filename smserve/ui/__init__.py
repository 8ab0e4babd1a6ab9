"""The web page of `smserve ui`: it shows what a server finds, and speaks to it by the public client alone."""

from smserve.ui.application import make_application
from smserve.ui.running import serve_page

__all__ = ["make_application", "serve_page"]
