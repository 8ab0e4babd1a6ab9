"""Material Symbols, by Google: a class is an icon, its pictures are four of its styles. From a package on npm.

Pillow renders them from the package's variable fonts at 64 pixels. Many icons differ by a detail alone (a battery at
each level, an arrow to each side), as what mining looks for. Classes are split by the first word of the icon's name.
"""

import re
from pathlib import Path
from typing import Final, Literal

from PIL import Image, ImageDraw, ImageFont

from training.datasets import Dataset
from training.datasets.archive import unpack
from training.datasets.class_split import LabelledPicture, hash_fraction, to_picture_set
from training.datasets.duplicates import identical_groups
from training.datasets.lock import exclusive
from training.datasets.npm import NpmPackage, fetch_package

__all__ = ["ICONS", "load_icons"]

ICONS: Final = NpmPackage(
    package="material-symbols@0.47.5",  # Apache-2.0
    sha512=(
        "6ebcbdac756a17b1dec1b48af586fbee86c5a03bd0b04a2df08ad6f7e175efd8"
        "8491c83b3ffcd8bf6ceec01454d68164039133d0ca430229ed7df76da8bef412"
    ),
    size=12_962_894,
)
_SIDE: Final = 64
_GLYPH: Final = 48
_STYLES: Final = {  # font, fill, weight
    "thin": ("outlined", 0, 100),
    "bold": ("sharp", 0, 700),
    "filled": ("rounded", 1, 400),
    "inverted": ("sharp", 1, 300),  # white on black
}
_GRADE, _OPTICAL_SIZE = 0, 24
_VALIDATION_FROM: Final = 0.4
_TEST_FROM: Final = 0.55
_WANTED: Final = re.compile(r"package/(index\.d\.ts|LICENSE|material-symbols-\w+\.woff2)")


def load_icons(data_dir: Path) -> Dataset:
    """Return the icons, fetched into `data_dir/icons` and rendered on the first call.

    Raises:
        SmserveError: There is no npm, or the disk is full.
        Unavailable: The package can't be fetched.
        DataLoss: It is not what it should be.
    """
    root = data_dir / "icons"
    package, pictures = root / ICONS.folder, root / "pictures"
    with exclusive(root):
        if not package.exists():
            unpack(fetch_package(ICONS, root), package, lambda member: _WANTED.fullmatch(member) is not None)
        names = re.findall(r'"(\w+)"', (package / "package/index.d.ts").read_text(encoding="ascii"))
        if not (pictures / "complete").exists():
            _render(package / "package", names, pictures)
    files = [pictures / f"{name}-{style}.png" for name in names for style in _STYLES]
    same = {files[place].stem.rpartition("-")[0] for group in identical_groups(files) for place in group}
    splits: dict[str, list[LabelledPicture]] = {"train": [], "validation": [], "test": []}
    for file in files:
        name = file.stem.rpartition("-")[0]
        if name not in same:  # two names of one icon, or a style that changes nothing
            splits[_split_of(name)].append(LabelledPicture(path=file, label=name, id=file.stem))
    train, validation, test = (to_picture_set(f"icons/{split}", found) for split, found in splits.items())
    return Dataset(name="icons", train=train, validation=validation, test=test)


def _split_of(name: str) -> Literal["train", "validation", "test"]:
    """Return the split of an icon, by a hash of its first word: those of one family stay together."""
    fraction = hash_fraction(name.partition("_")[0])
    if fraction >= _TEST_FROM:
        return "test"
    return "validation" if fraction >= _VALIDATION_FROM else "train"


def _render(package: Path, names: list[str], folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for style, (kind, fill, weight) in _STYLES.items():
        font = ImageFont.truetype(package / f"material-symbols-{kind}.woff2", _GLYPH)
        font.set_variation_by_axes([fill, _GRADE, _OPTICAL_SIZE, weight])
        ink, paper = ("white", "black") if style == "inverted" else ("black", "white")
        for name in names:
            picture = Image.new("RGB", (_SIDE, _SIDE), paper)
            ImageDraw.Draw(picture).text((_SIDE / 2, _SIDE / 2), name, fill=ink, font=font, anchor="mm")
            picture.save(folder / f"{name}-{style}.png")
    (folder / "complete").touch()
