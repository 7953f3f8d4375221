"""`vertebra train`: from an experiment to a watched job."""

from typing import Any

import click

from vertebra.cli.clients import trainer_client
from vertebra.cli.experiment import experiment, named_flags, spec_options
from vertebra.cli.job_words import how_to_go_on
from vertebra.cli.live import watch_to_end
from vertebra.cli.options import json_option, trainer_option
from vertebra.cli.plan_words import plan_view
from vertebra.cli.pretrained_model import with_pretrained_model
from vertebra.cli.screen import print_json, print_json_line, screen, title
from vertebra.cli.sections import SectionedCommand
from vertebra.cli.train_options import train_options
from vertebra.wire_json import to_json


class TrainCommand(SectionedCommand):
    """`vertebra train FILE`, and `vertebra train options`; a file of that name is `./options`."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **more: Any,
    ) -> click.Context:
        """Hand over to the other command where its word comes first."""
        if args[:1] == [train_options.name]:
            return train_options.make_context(f"{info_name} options", args[1:], parent, **more)
        return super().make_context(info_name, args, parent, **more)


@click.command(cls=TrainCommand)
@spec_options
@click.option("--detach", is_flag=True, help="Start the job and return at once.")
@trainer_option
@json_option
def train(**flags: Any) -> int:
    """Train the experiment in FILE, or the one that the flags describe; flags win over FILE.

    Shows first how many parameters train and how many stay frozen, then the metrics while they
    come. Interrupting leaves the job running. With --json, each line is an object with one of
    job, event, or job and exports. `vertebra train options` says what each setting means, and when
    to freeze how much.

    \b
    FILE is JSON:
      {"model": {"backbone": "resnet50", "pretrained": true, "freeze_backbone": false},
       "dataset": {"image_folder": {"path": "pets"}}, "num_epochs": 5}

    \b
    Example:
      vertebra train experiment.json --epochs 1
      vertebra train --backbone resnet18 --data pets --freeze last_blocks=2 --epochs 3 \\
          --register-as pets
    """
    page = screen()
    spec = experiment(flags["file"], with_pretrained_model(flags))
    with trainer_client(flags["trainer_address"]) as trainer:
        with named_flags(flags["file"]):
            planned = trainer.plan(spec)
        if not flags["as_json"]:
            page.print(plan_view(planned.plan, planned.spec))
        job = trainer.create(spec)
        if flags["as_json"] and flags["detach"]:
            print_json(job)
        elif flags["as_json"]:
            print_json_line({"job": to_json(job)})
        else:
            page.print()
            page.print(title(job.job_id, f"  {job.spec.display_name or 'is the job'}"))
        if not flags["detach"]:
            as_json = flags["as_json"]
            return watch_to_end(trainer, job.job_id, page, as_json=as_json, shows_plan=False)
        if not flags["as_json"]:
            page.print(how_to_go_on(job.job_id))
    return 0
