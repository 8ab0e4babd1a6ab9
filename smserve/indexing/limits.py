"""What a picture on this machine may cost."""

from typing import Final

from smserve.config import ImageLimits

__all__ = ["LOCAL_LIMITS"]

LOCAL_LIMITS: Final = ImageLimits(max_bytes=256 * 1024 * 1024)
"""No message must hold these pictures."""
