"""Several server processes behind one port: `smserve serve --workers N`. See docs/operations.md.

A supervisor reserves the port, forks the workers and looks after them. It loads no model, opens no gallery, starts no
thread and makes no object of gRPC, so that what it forks is as good as new at any time. Each worker listens on the port
by SO_REUSEPORT, and the kernel gives each connection to one of them.
"""

from smserve.server.workers.restarts import RestartPolicy
from smserve.server.workers.supervisor import supervise

__all__ = ["RestartPolicy", "supervise"]
