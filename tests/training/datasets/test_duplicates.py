from pathlib import Path

from training.datasets.duplicates import identical_groups


def test_groups_of_the_same_bytes(tmp_path: Path) -> None:
    paths = []
    for number, content in enumerate(["ab", "xy", "ab", "longer", "xy", "ab", "zz"]):
        paths.append(tmp_path / str(number))
        paths[-1].write_text(content)
    assert identical_groups(paths) == [[0, 2, 5], [1, 4]]
    assert identical_groups([]) == []
