"""`smserve completion`."""

import click

__all__ = ["completion"]

_PROGRAM = "smserve"
_VARIABLE = "_SMSERVE_COMPLETE"  # what click looks at for a program of that name


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(*, shell: str) -> None:
    """Print the script that lets a shell complete smserve's commands and options.

    \b
    Once, for every new shell:
      bash: smserve completion bash > ~/.smserve-complete.bash; echo '. ~/.smserve-complete.bash' >> ~/.bashrc
      zsh:  smserve completion zsh > ~/.smserve-complete.zsh; echo '. ~/.smserve-complete.zsh' >> ~/.zshrc
      fish: smserve completion fish > ~/.config/fish/completions/smserve.fish
    """  # noqa: D301 - click wants a real backspace
    from click.shell_completion import get_completion_class

    from smserve.cli.root import smserve

    found = get_completion_class(shell)
    assert found is not None, "click knows these three"  # noqa: S101 - for the type checker
    click.echo(found(smserve, {}, _PROGRAM, _VARIABLE).source())
