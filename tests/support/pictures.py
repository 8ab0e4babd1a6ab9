"""Small pictures with a class that one can see: coloured shapes on noise."""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

COLORS = {
    "red": (210, 40, 40),
    "green": (40, 170, 60),
    "blue": (40, 70, 210),
    "yellow": (230, 210, 40),
    "purple": (150, 50, 170),
    "orange": (240, 140, 30),
}


def draw(color: str, seed: int = 0, size: tuple[int, int] = (48, 40)) -> Image.Image:
    """Draw a disc or box of `color` somewhere on a light, noisy ground; the same arguments give the same picture."""
    random = np.random.default_rng([seed, *color.encode()])
    ground = random.integers(200, 256, (size[1], size[0], 3), dtype=np.uint8)
    image = Image.fromarray(ground)
    side = min(size) // 2
    left, top = (int(random.integers(0, extent - side + 1)) for extent in size)
    pencil = ImageDraw.Draw(image)
    shape = pencil.ellipse if seed % 2 else pencil.rectangle
    shape((left, top, left + side, top + side), fill=COLORS[color])
    return image


def scene(size: tuple[int, int], seed: int = 0) -> Image.Image:
    """Draw something with the spectrum of a photo: fine detail is weak, coarse strong; no edge is endlessly sharp."""
    random = np.random.default_rng(seed)
    pixels = np.zeros((size[1], size[0], 3))
    for cells, weight in ((4, 60), (16, 40), (64, 20), (256, 8)):
        noise = random.integers(0, 256, (cells, cells, 3), dtype=np.uint8)
        pixels += (np.asarray(Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC)) / 127.5 - 1) * weight
    return Image.fromarray((pixels + 128).clip(0, 255).astype(np.uint8))


def encode(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    """Return the encoded picture."""
    buffer = io.BytesIO()
    image.save(buffer, format, **options)
    return buffer.getvalue()


def write_class_folders(root: Path, per_class: int = 4) -> list[Path]:
    """Write `root/<color>/<n>.png` (and .jpg for every second) and return the paths in order."""
    paths = []
    for color in COLORS:
        folder = root / color
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(per_class):
            suffix, format = (".jpg", "JPEG") if number % 2 else (".png", "PNG")
            path = folder / f"{number}{suffix}"
            path.write_bytes(encode(draw(color, number), format))
            paths.append(path)
    return paths
