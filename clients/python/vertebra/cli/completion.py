"""`vertebra completion`: the Tab key knows commands and flags."""

import click
from click.shell_completion import get_completion_class


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> None:
    """Print what has SHELL complete the commands and flags of vertebra.

    \b
    Example:
      eval "$(vertebra completion bash)"                                   a line of ~/.bashrc
      eval "$(vertebra completion zsh)"                                    a line of ~/.zshrc
      vertebra completion fish > ~/.config/fish/completions/vertebra.fish
    """
    made = get_completion_class(shell)
    assert made is not None, shell
    program = made(context.find_root().command, {}, "vertebra", "_VERTEBRA_COMPLETE")
    click.echo(program.source())
