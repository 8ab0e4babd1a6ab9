"""Icons of the arena: families stay together. Their fonts come from npm, and so are not drawn here."""

from benchmarks.comparing.icons import ICONS, _split_of


def test_a_family_is_in_one_split() -> None:
    assert len({_split_of(f"battery_{level}_bar") for level in range(7)}) == 1
    words = [f"word{number}" for number in range(2000)]
    counts = {split: sum(_split_of(word) == split for word in words) for split in ("train", "validation", "test")}
    assert sum(counts.values()) == 2000
    assert 700 < counts["train"] < 900
    assert 200 < counts["validation"] < 400
    assert 800 < counts["test"] < 1000


def test_the_archive_is_named_as_npm_names_it() -> None:
    assert ICONS.archive == "material-symbols-0.47.5.tgz"
