"""Small trees in the layouts of the published data sets, for any test; load them with `allow_subset=True`.

Each has a few classes on both sides of the split and a few tiny JPEGs a class. The last picture of a class is
grayscale, and macOS's `._*` files lie between the pictures.
"""

import colorsys
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image, ImageDraw

from tests.support.pictures import encode

CarsLayout = Literal["one list", "devkit", "nested devkit", "class folders", "train and test folders"]


def write_cub(root: Path, *, classes: int = 3, per_class: int = 4) -> Path:
    """Write the contents of `CUB_200_2011`: classes 1, 2, ... train and 101, 102, ... test; returns `root`."""
    images: list[str] = []
    labels: list[str] = []
    split: list[str] = []
    names: list[str] = []
    for number in _numbers(classes, first_test=101):
        folder = f"{number:03}.Bird_{number}"
        names.append(f"{number} {folder}")
        for index in range(per_class):
            name = f"{folder}/Bird_{index:04}.jpg"
            _write_picture(root / "images" / name, number, index, per_class)
            images.append(f"{len(images) + 1} {name}")
            labels.append(f"{len(images)} {number}")
            split.append(f"{len(images)} {index % 2}")
    lists = {"images": images, "image_class_labels": labels, "train_test_split": split, "classes": names}
    for name, lines in lists.items():
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n")
    (root / "attributes").mkdir()
    (root / "attributes" / "attributes.txt").write_text("not needed")
    return root


def write_cars196(root: Path, layout: CarsLayout = "one list", *, classes: int = 3, per_class: int = 4) -> Path:
    """Write Cars196 in one of its layouts: classes 1, 2, ... train and 99, 100, ... test; returns `root`.

    The archive's own split, where the layout tells it, takes every second picture of each class.
    """
    pictures = [(number, index) for number in _numbers(classes, first_test=99) for index in range(per_class)]
    names = np.array([f"Maker {number:03} Coupe" for number in range(1, 197)], object)
    rows: list[tuple[object, ...]] = []
    fields: tuple[str, ...]
    if layout == "one list":
        for position, (number, index) in enumerate(pictures, start=1):
            path = f"car_ims/{position:06}.jpg"
            _write_picture(root / path, number, index, per_class)
            rows.append((path, 1, 1, 20, 20, number, index % 2))
        fields = ("relative_im_path", "bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "test")
        _write_mat(root / "cars_annos.mat", annotations=_struct(fields, rows), class_names=names)
        return root
    if layout in {"class folders", "train and test folders"}:
        for number, index in pictures:
            half = ("train/", "test/")[index % 2] if layout == "train and test folders" else ""
            _write_picture(root / f"{half}Maker {number:03} Coupe" / f"{index}.jpg", number, index, per_class)
        return root
    for side, part in enumerate(("cars_train", "cars_test")):
        rows = []
        folder = root / part / part if layout == "nested devkit" else root / part
        for number, index in pictures:
            if index % 2 == side:
                name = f"{len(rows) + 1:05}.jpg"
                _write_picture(folder / name, number, index, per_class)
                rows.append((1, 1, 20, 20, number, name))
        fields = ("bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", "class", "fname")
        place = root / "cars_test_annos_withlabels.mat" if side else root / "devkit" / "cars_train_annos.mat"
        _write_mat(place, annotations=_struct(fields, rows))
    _write_mat(root / "devkit" / "cars_meta.mat", class_names=names)
    return root


def write_sop(root: Path, *, classes: int = 3, per_class: int = 4) -> Path:
    """Write the contents of `Stanford_Online_Products`; returns `root`."""
    numbers = list(_numbers(classes, first_test=11_319))
    image = 0
    for name, part in (("Ebay_train", numbers[:classes]), ("Ebay_test", numbers[classes:])):
        lines = ["image_id class_id super_class_id path"]
        for number in part:
            kind = ("bicycle", "coffee_maker")[number % 2]
            for index in range(per_class):
                image += 1
                path = f"{kind}_final/{1_000_000 + number}_{index}.JPG"
                _write_picture(root / path, number, index, per_class)
                lines.append(f"{image} {number} {number % 2 + 1} {path}")
        (root / f"{name}.txt").write_text("\n".join(lines) + "\n")
    return root


def write_inshop(root: Path, *, classes: int = 3, per_class: int = 4) -> Path:
    """Write In-Shop: items 1, 2, ... train; of the others every second picture asks, the rest is the gallery."""
    rows = []
    for position, number in enumerate(_numbers(classes, first_test=4_000)):
        for index in range(per_class):
            path = f"img/WOMEN/Dresses/id_{number:08}/{index:02}_1_front.jpg"
            _write_picture(root / path, number, index, per_class)
            status = "train" if position < classes else ("query", "gallery")[index % 2]
            rows.append(f"{path:<70} id_{number:08} {status}")
    text = "\n".join([str(len(rows)), "image_name item_id evaluation_status", *rows]) + "\n"
    (root / "Eval").mkdir()
    (root / "Eval" / "list_eval_partition.txt").write_text(text)
    return root


def _numbers(classes: int, *, first_test: int) -> Iterator[int]:
    yield from range(1, classes + 1)
    yield from range(first_test, first_test + classes)


def _write_picture(path: Path, number: int, index: int, per_class: int) -> None:
    """Write a disc of the class's hue on noise, and a `._*` file beside it."""
    random = np.random.default_rng([number, index])
    image = Image.fromarray(random.integers(180, 256, (30, 36, 3), np.uint8))
    hue = (number * 0.618) % 1  # neighbouring numbers are far apart
    fill = tuple(int(255 * channel) for channel in colorsys.hsv_to_rgb(hue, 0.9, 0.8))
    left, top = (int(place) for place in random.integers(0, 10, 2))
    ImageDraw.Draw(image).ellipse((left, top, left + 18, top + 18), fill=fill)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encode(image.convert("L") if index == per_class - 1 else image, "JPEG"))
    path.with_name(f"._{path.name}").write_bytes(b"\x00\x05\x16\x07")


def _struct(fields: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> np.ndarray[Any, Any]:
    """Return a struct array of one row, as MATLAB has it."""
    return np.array([rows], dtype=[(field, object) for field in fields])


def _write_mat(path: Path, **variables: object) -> None:
    from scipy.io import savemat

    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    savemat(buffer, variables)
    path.write_bytes(buffer.getvalue())
