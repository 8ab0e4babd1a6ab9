"""The one place where errors become a line on standard error and an exit code."""

import errno
import os
import sys
from typing import Any, Final

import click

from smserve.cli.configuration import say_where_it_stands
from smserve.errors import SmserveError

__all__ = ["EXIT_PARTIAL", "CommandGroup", "debugging"]

EXIT_PARTIAL: Final = 3
"""The work is done, and some pictures could not be read."""

_EXIT_INTERRUPTED: Final = 130  # 128 + SIGINT, as shells have it


def debugging() -> bool:
    """Whether the user asked for tracebacks."""
    return os.environ.get("SMSERVE_DEBUG", "") not in {"", "0"}


class CommandGroup(click.Group):
    """A group whose commands never end in a traceback.

    Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done but some pictures could not be read, 130 interrupted.
    """

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except SmserveError as error:
            if debugging():
                raise
            raise click.ClickException(error.message) from None
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            ctx.exit(_EXIT_INTERRUPTED)
        except click.BadParameter as error:
            say_where_it_stands(error)
            raise
        except (click.ClickException, click.exceptions.Exit, click.Abort):
            raise
        except Exception as error:
            if isinstance(error, BrokenPipeError) or getattr(error, "errno", None) == errno.EPIPE:
                # The reader of our output is gone (`| head`): nothing to say, and nothing more to flush.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                ctx.exit(1)
            if debugging():
                raise
            summary = " ".join(str(error).split()) or "no message"
            raise click.ClickException(
                f"{type(error).__name__}: {summary} (run with SMSERVE_DEBUG=1 for the traceback)"
            ) from None
