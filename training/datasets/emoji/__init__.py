"""The built-in `emoji` data set."""

from training.datasets.emoji.dataset import load_emoji
from training.datasets.emoji.packages import EMOJI, EmojiPackage, EmojiSpec

__all__ = ["EMOJI", "EmojiPackage", "EmojiSpec", "load_emoji"]
