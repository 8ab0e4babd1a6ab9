"""Every byte that a gallery depends on, read while it is searched."""

from typing import Final

from smserve.engine.activation import folder_of
from smserve.engine.galleries import Galleries
from smserve.engine.served import Origin
from smserve.types.administration import Finding, Verification

__all__ = ["Verifications"]


class Verifications:
    """Safe to use from many threads."""

    def __init__(self, galleries: Galleries) -> None:
        self._galleries: Final = galleries

    def verify(self, gallery: str) -> tuple[Verification, Origin]:
        """Say what is damaged; see `smserve.gallery.verify.verify_gallery`.

        Raises:
            GalleryNotFound: No such gallery is served.
        """
        from smserve.gallery.verify import verify_gallery

        with self._galleries.lease(gallery) as served:
            found = verify_gallery(folder_of(served))
            verification = Verification(
                gallery=served.name,
                findings=tuple(
                    Finding(place=each.place, problem=each.problem, effect=each.effect.value) for each in found.findings
                ),
                item_count=found.item_count,
                generations=found.generations,
            )
            return verification, served.origin()
