"""Galleries made and dropped, and further names for them, while all others are searched."""

import logging
import shutil
import threading
from typing import Final

from smserve.engine.galleries import Galleries
from smserve.engine.home import GalleryHome, check_name
from smserve.engine.interest import StillWanted, always_wanted
from smserve.engine.models import Models
from smserve.engine.served import Origin, ServedGallery
from smserve.engine.storage import Storage
from smserve.errors import GalleryChanged, GalleryFixed, GalleryNotFound, InvalidInput
from smserve.types import GalleryInfo
from smserve.types.administration import AliasChange, DroppedGallery

__all__ = ["Naming"]

_log: Final = logging.getLogger(__name__)


class Naming:
    """Safe to use from many threads. What it answers is on disk."""

    def __init__(self, galleries: Galleries, models: Models, storage: Storage, home: GalleryHome | None) -> None:
        self._galleries: Final = galleries
        self._models: Final = models
        self._storage: Final = storage
        self._home: Final = home
        self._changing: Final = threading.Lock()

    def create(self, name: str, model_fingerprint: str = "") -> tuple[GalleryInfo, Origin]:
        """Make an empty gallery and serve it.

        Args:
            name: Its name, and that of its folder.
            model_fingerprint: The model that it is for; the server's own where none is given.

        Raises:
            InvalidInput: The name is none.
            GalleryExists: Something is called so.
            GalleryFixed: The server has no folder of galleries.
            GalleryReadOnly: It only reads that.
            ModelNotFound: It has no such model.
        """
        check_name(name, "gallery")
        home = self._required_home()
        model = self._models.get(model_fingerprint) if model_fingerprint else self._models.default
        with self._changing:
            self._galleries.check_free(name)
            folder = home.create(name, model_fingerprint=model.fingerprint, dimension=model.dimension)
            reader = self._storage.open(folder, name)
            self._galleries.add(ServedGallery(name=name, reader=reader, model=model, folder=folder, ours=True))
        _log.info("created gallery %s for model %s", name, model.fingerprint)
        return self._galleries.info(name)

    def drop(
        self, name: str, *, expected_item_count: int | None = None, still_wanted: StillWanted = always_wanted
    ) -> tuple[DroppedGallery, Origin]:
        """End serving a gallery, and delete it once its last call has ended; its aliases go with it.

        Args:
            name: Its own name, no alias.
            expected_item_count: When given, and it holds another number of items, nothing is done.
            still_wanted: Called while its writes end; what it raises leaves the gallery as it is.

        Raises:
            InvalidInput: No name, or an alias.
            GalleryNotFound: No such gallery is served.
            GalleryFixed: It does not lie in the server's folder of galleries.
            GalleryChanged: It holds another number of items.
        """
        if not name or name in self._galleries.aliases():
            what = (
                f"{name!r} is an alias of gallery {self._galleries.aliases()[name]!r}" if name else "gallery is empty"
            )
            raise InvalidInput(f"{what}; name the gallery that is to be dropped by its own name", field="gallery")
        with self._galleries.administering(name, still_wanted) as administered:
            served = administered.served
            home = self._required_home()
            if not served.ours or served.folder is None:
                raise GalleryFixed(
                    f"gallery {name!r} was given to the server at its start, and lies in no folder of galleries; stop "
                    f"serving it by starting the server without it"
                )
            with administered.without_writes(still_wanted):
                origin, count = served.origin(), served.info().item_count
                if expected_item_count is not None and count != expected_item_count:
                    raise GalleryChanged(
                        f"gallery {name!r} holds {count:,} items, not {expected_item_count:,}; look at what is there, "
                        f"and ask again"
                    )
                with self._changing:
                    aliases = {alias: to for alias, to in self._galleries.aliases().items() if to != name}
                    home.set_aliases(aliases)
                    administered.remove()
                    self._galleries.set_aliases(aliases)
            administered.wait_until_closed(always_wanted)  # from here on there is no way back
            aside = home.set_aside(served.folder)
            self._galleries.forget(name)
        shutil.rmtree(aside, ignore_errors=True)  # what stays is removed at the next start
        _log.info("dropped gallery %s with %d items", name, count)
        return DroppedGallery(gallery=name, item_count=count), origin

    def set_alias(self, alias: str, gallery: str, *, expected: str | None = None) -> tuple[AliasChange, Origin]:
        """Let a further name lead to a gallery, in one step for every caller.

        Args:
            alias: The name.
            gallery: Where it leads; by an alias of it, too.
            expected: When given, where it leads now, "" for nowhere; where that is elsewhere, nothing is done.

        Raises:
            InvalidInput: The alias is no name, or no gallery is named.
            GalleryExists: A gallery has the name.
            GalleryNotFound: There is no such gallery.
            GalleryChanged: It leads elsewhere.
            GalleryFixed: The server has no folder of galleries, where aliases are kept.
        """
        check_name(alias, "alias")
        if not gallery:
            raise InvalidInput("gallery is empty; name the one that the alias is to lead to", field="gallery")
        home = self._required_home()
        with self._changing, self._galleries.lease(gallery) as served:
            aliases = self._galleries.aliases()
            before = aliases.get(alias, "")
            if not before:
                self._galleries.check_free(alias)
            _check_leads_to(alias, before, expected)
            home.set_aliases({**aliases, alias: served.name})
            self._galleries.set_aliases({**aliases, alias: served.name})
            origin = served.origin()
        return AliasChange(alias=alias, gallery=origin.gallery, previous_gallery=before), origin

    def delete_alias(self, alias: str) -> tuple[AliasChange, Origin]:
        """Remove a further name; the gallery stays.

        Raises:
            GalleryNotFound: There is no such alias.
            GalleryFixed: The server has no folder of galleries, where aliases are kept.
        """
        home = self._required_home()
        with self._changing:
            aliases = self._galleries.aliases()
            if alias not in aliases:
                raise GalleryNotFound(
                    f"there is no alias {alias!r}; aliases: {', '.join(map(repr, aliases)) or 'none'}"
                )
            led_to = aliases.pop(alias)
            home.set_aliases(aliases)
            self._galleries.set_aliases(aliases)
        origin = Origin(model_fingerprint=self._models.default.fingerprint, gallery=led_to, generation=0)
        try:
            with self._galleries.lease(led_to) as served:
                origin = served.origin()
        except GalleryNotFound:
            pass  # it led to a gallery that is served no longer
        return AliasChange(alias=alias, gallery="", previous_gallery=led_to), origin

    def _required_home(self) -> GalleryHome:
        if self._home is None:
            raise GalleryFixed(
                "this server has no folder of galleries, where they are made, dropped and given aliases; start it with "
                "--galleries DIR"
            )
        return self._home


def _check_leads_to(alias: str, now: str, expected: str | None) -> None:
    if expected is not None and now != expected:
        raise GalleryChanged(
            f"alias {alias!r} leads to {repr(now) if now else 'no gallery'}, not to "
            f"{repr(expected) if expected else 'no gallery'}; look at what is there, and ask again"
        )
