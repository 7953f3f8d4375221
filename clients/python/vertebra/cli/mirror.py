"""`vertebra mirror`: weights and checkpoints carried to a site without a network."""

import click

from vertebra.cli.command_group import CommandGroup
from vertebra.cli.mirror_export import export_mirror
from vertebra.cli.mirror_import import import_mirror
from vertebra.cli.mirror_plan import plan_mirror
from vertebra.cli.mirror_verify import verify_mirror


@click.group(cls=CommandGroup, commands=[plan_mirror, export_mirror, verify_mirror, import_mirror])
def mirror() -> None:
    """Carry weights and checkpoints to a site without a network.

    \b
    Where there is a network:
      vertebra mirror plan resnet50 checkpoints/letters
      vertebra mirror export /media/stick/bundle resnet50 checkpoints/letters
    Where there is none:
      vertebra mirror verify /media/stick/bundle
      vertebra mirror import /media/stick/bundle --sha256 DIGEST
    """
