import numpy as np
import pytest
import torch

from training.pixel_store import PixelStore

PIXELS = np.random.default_rng(0).integers(0, 256, (10, 4, 4, 3), np.uint8)  # 480 bytes
PIXELS.flags.writeable = False  # as a map of decoded pictures is
CPU = torch.device("cpu")


@pytest.mark.parametrize(("free_bytes", "resident"), [(0, False), (959, False), (960, True), (10_000, True)])
def test_all_pictures_move_to_the_device_when_they_take_half_of_its_memory(free_bytes: int, resident: bool) -> None:
    store = PixelStore(PIXELS, CPU, free_bytes=free_bytes)
    assert store.resident is resident
    assert len(store) == 10
    indices = np.array([7, 0, 7])
    taken = store.take(indices)
    assert taken.dtype == torch.uint8
    np.testing.assert_array_equal(taken.numpy(), PIXELS[indices])
    taken += 1  # a batch may be changed
    np.testing.assert_array_equal(store.take(indices).numpy(), PIXELS[indices])


def test_no_pictures_at_all() -> None:
    store = PixelStore(np.zeros((0, 4, 4, 3), np.uint8), CPU, free_bytes=100)
    assert (len(store), store.resident) == (0, False)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_a_small_set_lies_in_gpu_memory() -> None:
    store = PixelStore(PIXELS, torch.device("cuda"))
    assert store.resident
    assert store.take(np.array([1])).is_cuda
