"""The four packages whose art makes up the `emoji` data set, and the counts that it must come to."""

from dataclasses import dataclass

from training.datasets.npm import NpmPackage

__all__ = ["EMOJI", "EmojiPackage", "EmojiSpec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EmojiPackage(NpmPackage):
    """One vendor's art in one npm package.

    Attributes:
        vendor: First part of a picture's id.
        art: Folder of the pictures inside the package.
    """

    vendor: str
    art: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmojiSpec:
    """Packages, and how many classes and pictures they must give; the first one that names an emoji wins."""

    packages: tuple[EmojiPackage, ...]
    classes: int
    pictures: int


EMOJI = EmojiSpec(
    packages=(
        EmojiPackage(
            vendor="google",
            package="emoji-datasource-google@16.0.0",
            sha512=(
                "6517b17f3b3b315a0b9e6cd998db0ee132a19c0269e43fbe566e8fa54a47fe31"
                "104257a6a7797cf028d9f83a19d9f68cf51e10c5990e3c90a84fc0e53e17d0dc"
            ),
            size=74_344_091,
            art="img/google/64",
        ),
        EmojiPackage(
            vendor="twitter",
            package="emoji-datasource-twitter@16.0.0",
            sha512=(
                "ec5fae0ae1c7fbb427adcd793f9b676ef2a483d13ab65ce2e0c9d3dae5b54653"
                "78a4b613cdae9c3ff76cb487d20ccb698c52d6b997b05a0f2305bb8bd9ec842d"
            ),
            size=61_683_754,
            art="img/twitter/64",
        ),
        EmojiPackage(
            vendor="blob",
            package="emoji-datasource-google@3.0.0",
            sha512=(
                "32cf883ba578d0429c7c18f1b3bea22d841ec68e93825f0c6d3c4ced9e109b99"
                "ff1f092bfc334d62e8b8d1a53761a55df2844d2da317375feb4befbf5475623d"
            ),
            size=26_043_875,
            art="img/google/64",
        ),
        EmojiPackage(
            vendor="fluent",
            package="@lobehub/fluent-emoji-3d@1.1.0",
            sha512=(
                "5a5ab69554ad4e7afc043a48274a449d328ee0bb83c71a931214ef46d0f50cb4"
                "45d267bba207914232a87a10c75ee549d9069e720979c1106feb4954006de1ee"
            ),
            size=15_792_027,
            art="assets",
        ),
    ),
    classes=1_632,
    pictures=5_982,
)
