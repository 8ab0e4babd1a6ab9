"""What decoding is said to take, against what a process takes that decodes."""

import subprocess
import sys
from typing import Any

import pytest
from PIL import Image

from smserve.images import ResizeRule, decoding_bytes, read_header
from tests.support.pictures import encode

SIDE = 3600  # at least 8 x 1.5 x 224
RULE = ResizeRule(size=224, height=224, width=224)
REDUCED = ResizeRule(size=224, height=224, width=224, decoding="reduced")

PEAK = """
import sys
from pathlib import Path
from smserve.images import ResizeRule, decode_for, fit, make_thumbnail
from smserve.memory import give_back_large_blocks

def resident(name):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))

def work(data, rule):
    picture = decode_for(data, rule)
    fit(picture, rule), make_thumbnail(picture.image)

give_back_large_blocks()
rule = ResizeRule(size=224, height=224, width=224, decoding=sys.argv[2])
work(Path(sys.argv[3]).read_bytes(), rule)  # everything is loaded
data = Path(sys.argv[1]).read_bytes()
Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
before = resident("VmRSS:")
work(data, rule)
print(resident("VmHWM:") - before)
"""


def jpeg(mode: str = "RGB", **options: Any) -> bytes:
    return encode(Image.new(mode, (SIDE, SIDE)), "JPEG", quality=30, **options)


def turned() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def cost(data: bytes, rule: ResizeRule) -> float:
    """Return bytes a pixel."""
    return decoding_bytes(data, read_header(data), rule) / SIDE**2


def test_whole_pictures_cost_by_the_pixel() -> None:
    assert cost(jpeg(), RULE) == 12
    assert cost(jpeg(progressive=True), RULE) == 12
    assert cost(encode(Image.new("RGB", (SIDE, SIDE)), "PNG"), RULE) == 20
    assert cost(encode(Image.new("RGB", (SIDE, SIDE)), "PNG"), REDUCED) == 20


@pytest.mark.parametrize(
    ("mode", "options", "coefficients"),
    [
        ("RGB", {}, 0),
        ("L", {}, 0),
        ("CMYK", {}, 0),
        ("RGB", {"progressive": True}, 3),  # 4:2:0: half a pixel's colours to each pixel
        ("RGB", {"progressive": True, "subsampling": "4:2:2"}, 4),
        ("RGB", {"progressive": True, "subsampling": "4:4:4"}, 6),
        ("L", {"progressive": True}, 2),
        ("CMYK", {"progressive": True}, 8),
    ],
)
def test_a_reduced_jpeg_costs_its_pixels_and_the_coefficients_that_are_kept(
    mode: str, options: dict[str, Any], coefficients: float
) -> None:
    reduced = 12 / 8**2
    assert cost(jpeg(mode, **options), REDUCED) == pytest.approx(reduced + coefficients, rel=0.01)


def test_a_sequential_jpeg_in_several_scans_keeps_them_too() -> None:
    """Made by hand of one scan: what the first says that it has is what libjpeg goes by."""
    data = bytearray(jpeg())
    at = data.index(b"\xff\xda")
    assert data[at + 4] == 3
    data[at + 4] = 1
    assert cost(bytes(data), REDUCED) == pytest.approx(12 / 8**2 + 3, rel=0.01)


@pytest.mark.skipif(sys.platform != "linux", reason="peaks are read from /proc")
@pytest.mark.parametrize("decoding", ["full", "reduced"])
@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("RGB", {"exif": turned()}),
        ("CMYK", {"exif": turned()}),
        ("RGB", {"progressive": True, "subsampling": "4:4:4"}),
        ("CMYK", {"progressive": True}),
    ],
)
def test_no_process_takes_more(mode: str, options: dict[str, Any], decoding: str, tmp_path: Any) -> None:
    picture, small = tmp_path / "picture.jpg", tmp_path / "small.jpg"
    picture.write_bytes(jpeg(mode, **options))
    small.write_bytes(encode(Image.new(mode, (400, 400)), "JPEG"))
    command = [sys.executable, "-c", PEAK, str(picture), decoding, str(small)]
    peak = int(subprocess.run(command, check=True, capture_output=True, timeout=60).stdout)
    rule = RULE if decoding == "full" else REDUCED
    assert peak <= decoding_bytes(picture.read_bytes(), read_header(picture.read_bytes()), rule) + 2**21
