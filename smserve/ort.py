"""ONNX Runtime, loaded so that it reports to nobody: by itself it keeps a record of what it runs, and sends it home.

Seen in 1.32: a database `onnxruntime.db` in the user's cache, for mobile.events.data.microsoft.com. What turns it off
is read while it is loaded, and its function `disable_telemetry_events` comes too late. ORT_DISABLE_TELEMETRY=0 lets it.
"""

import os

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime

__all__ = ["onnxruntime"]
