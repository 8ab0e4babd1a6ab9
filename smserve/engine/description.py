"""What runs here, and its limits."""

from smserve.config import (
    MAX_IMAGES_PER_CALL,
    MAX_ITEMS_PER_CALL,
    MAX_MESSAGE_BYTES,
    MAX_PAGE_SIZE,
    ImageLimits,
    SearchLimits,
)
from smserve.engine.limits import CallLimits
from smserve.engine.models import Model
from smserve.types import GalleryInfo, ServerInfo
from smserve.version import VERSION

__all__ = ["describe"]


def describe(
    model: Model,
    galleries: tuple[GalleryInfo, ...],
    *,
    images: ImageLimits,
    searches: SearchLimits,
    decoded_bytes: int,
    calls: CallLimits,
) -> ServerInfo:
    """Describe a server.

    Args:
        model: Its own.
        galleries: What it serves, the default first.
        images: What a picture may cost.
        searches: What a search may ask for.
        decoded_bytes: Memory for pictures being decoded at the same time.
        calls: How much at once it takes on.
    """
    return ServerInfo(
        version=VERSION,
        model_name=model.name,
        model_fingerprint=model.fingerprint,
        dimension=model.dimension,
        input_height=model.manifest.resize.height,
        input_width=model.manifest.resize.width,
        provider=model.embedder.provider,
        max_message_bytes=MAX_MESSAGE_BYTES,
        max_image_bytes=images.max_bytes,
        max_image_pixels=images.max_pixels,
        max_images=MAX_IMAGES_PER_CALL,
        max_top_k=searches.max_top_k,
        max_items=MAX_ITEMS_PER_CALL,
        max_page_size=MAX_PAGE_SIZE,
        galleries=galleries,
        max_queries=calls.max_queries,
        max_streams=calls.max_streams,
        max_stream_requests=calls.max_stream_requests,
        max_in_flight=calls.max_in_flight,
        max_waiting=calls.max_waiting,
        max_decoded_bytes=decoded_bytes,
    )
