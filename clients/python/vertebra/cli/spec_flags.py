"""The flags of a job that set one field of its spec each, as tables: one a section of the help."""

import click

from vertebra.cli.run_flags import RUN_FLAGS
from vertebra.cli.spec_flag import SpecFlag, enum_flag, number_flag, text_flag
from vertebra.cli.written_values import MAX_AMOUNT, MAX_COUNT, decimals, numbers
from vertebra.trainer.v1 import learning_pb2 as learning
from vertebra.trainer.v1 import train_job_pb2 as jobs

COUNT = click.IntRange(min=1, max=MAX_COUNT)
AMOUNT = click.IntRange(min=1, max=MAX_AMOUNT)
NATURAL = click.IntRange(min=0, max=MAX_AMOUNT)
POSITIVE = click.FloatRange(min=0, min_open=True)
AT_LEAST_ZERO = click.FloatRange(min=0)
RATIO = click.FloatRange(min=0, max=1, min_open=True, max_open=True)
SHARE = click.FloatRange(min=0, max=1, min_open=True)

MODEL_FLAGS = (
    text_flag("--backbone", "model.backbone", "An architecture such as resnet18."),
    text_flag(
        "--weights",
        "model.weights",
        "What to start from: a weight, or checkpoints/NAME; else the default weights.",
    ),
    text_flag(
        "--pretrained/--no-pretrained",
        "model.pretrained",
        "Start from weights (the default), or from random numbers.",
    ),
    number_flag(
        "--model-seed", "model.seed", NATURAL, "Draws the head and what has no weights; 0."
    ),
    text_flag(
        "--allow-partial/--no-allow-partial",
        "model.allow_partial",
        "Accept weights that miss a part of the backbone.",
    ),
    text_flag(
        "--allow-frozen-random/--no-allow-frozen-random",
        "model.allow_frozen_random",
        "Accept a frozen backbone of random numbers.",
    ),
)
"""What the job starts from."""

SPLIT_FLAGS = (
    number_flag("--validation-ratio", "dataset.validation_ratio", RATIO, "The part kept; 0.2."),
    number_flag("--split-seed", "dataset.split_seed", NATURAL, "Of split and --data-ratio; 0."),
    number_flag(
        "--data-ratio",
        "dataset.data_ratio",
        SHARE,
        "Share of the training images that is used; 0.1 is a part of 0.2.",
    ),
    number_flag(
        "--max-unusable-ratio",
        "dataset.max_unusable_ratio",
        SHARE,
        "Share of the images that may be left out because they cannot be used; 0.",
    ),
)
"""Which images are used, wherever they come from."""

FREEZE_FLAGS = (
    enum_flag(
        "--norm",
        "freeze.norm",
        jobs.NormPolicy,
        "NORM_POLICY_",
        "What happens to batch-norm statistics.",
    ),
)
"""What trains, beside --freeze."""

DURATION_FLAGS = (
    number_flag("--epochs", "num_epochs", COUNT, "Passes over the images."),
    number_flag("--steps", "num_steps", AMOUNT, "Optimizer steps, instead of --epochs."),
    number_flag(
        "--validate-every",
        "validation_every_epochs",
        COUNT,
        "Epochs from one validation to the next; 1. The last epoch always has one.",
    ),
    number_flag("--batch-size", "batch_size", COUNT, "Images a step; 32."),
    number_flag(
        "--micro-batch-size",
        "micro_batch_size",
        COUNT,
        "Images at a time: less memory, the same gradient.",
    ),
    number_flag("--seed", "seed", NATURAL, "Order of images, augmentation; 0."),
    number_flag(
        "--early-stopping",
        "early_stopping.patience_epochs",
        COUNT,
        "Stop after so many epochs without a better validation.",
    ),
    text_flag(
        "--early-stopping-metric",
        "early_stopping.metric",
        "What is to improve, such as loss; else the task's own.",
    ),
    number_flag(
        "--min-delta", "early_stopping.min_delta", AT_LEAST_ZERO, "A smaller improvement is none."
    ),
)
"""How long."""

LOSS_FLAGS = (
    enum_flag("--loss", "loss.kind", learning.LossSpec.Kind, "KIND_", "Else the task's usual one."),
    number_flag(
        "--label-smoothing",
        "loss.label_smoothing",
        click.FloatRange(min=0, max=1),
        "Spread over all classes; cross_entropy only.",
    ),
    number_flag(
        "--ignore-index",
        "loss.ignore_index",
        click.IntRange(max=MAX_COUNT),
        "Pixels of this mask value count for nothing; 255.",
    ),
)
"""What is minimised, beside --class-weights."""

OPTIMIZER_FLAGS = (
    enum_flag(
        "--optimizer",
        "optimizer.algorithm",
        jobs.OptimizerSpec.Algorithm,
        "ALGORITHM_",
        "The update rule; adamw.",
    ),
    number_flag("--lr", "optimizer.lr", POSITIVE, "Learning rate; 1e-3."),
    enum_flag(
        "--lr-rule",
        "optimizer.lr_rule",
        jobs.OptimizerSpec.LrRule,
        "LR_RULE_",
        "What --lr means; absolute.",
    ),
    number_flag(
        "--backbone-lr-ratio",
        "optimizer.backbone_lr_ratio",
        POSITIVE,
        "The backbone's learning rate as a part of the head's; 1.",
    ),
    number_flag(
        "--layer-decay",
        "optimizer.layer_decay",
        POSITIVE,
        "Each stage's learning rate as a part of the next one's; 1.",
    ),
    number_flag(
        "--weight-decay",
        "optimizer.weight_decay",
        AT_LEAST_ZERO,
        "Never on biases and norms; 0.01 for adamw, 1e-6 for lars, else 0.",
    ),
    number_flag("--momentum", "optimizer.momentum", AT_LEAST_ZERO, "For sgd and lars; 0.9."),
    number_flag("--max-grad-norm", "max_grad_norm", POSITIVE, "Cut the gradient's norm to this."),
    enum_flag(
        "--schedule",
        "schedule.kind",
        learning.ScheduleSpec.Kind,
        "KIND_",
        "The learning rate's course; constant.",
    ),
    number_flag("--warmup-epochs", "schedule.warmup_epochs", POSITIVE, "Growing from 0."),
    number_flag("--warmup-steps", "schedule.warmup_steps", AMOUNT, "The same in steps."),
    number_flag(
        "--final-lr-ratio",
        "schedule.final_lr_ratio",
        click.FloatRange(min=0, max=1),
        "The last learning rate as a part of the first; 0.",
    ),
)
"""How parameters move."""

COMPUTING_FLAGS = (
    enum_flag("--precision", "precision", learning.Precision, "PRECISION_", "Of numbers; fp32."),
    enum_flag(
        "--compile",
        "compile",
        learning.CompilePolicy,
        "COMPILE_POLICY_",
        "Whether torch.compile is used; never.",
    ),
    enum_flag(
        "--cache",
        "feature_cache.policy",
        learning.FeatureCacheSpec.Policy,
        "POLICY_",
        "Compute what the frozen part puts out only once; where_exact.",
    ),
    number_flag(
        "--cache-views",
        "feature_cache.num_views",
        COUNT,
        "Keep so many augmented views of every image; else none of images that vary.",
    ),
)
"""How it is computed."""

IMAGE_FLAGS = (
    enum_flag(
        "--augment",
        "augmentation",
        jobs.Augmentation,
        "AUGMENTATION_",
        "How training images vary.",
    ),
    enum_flag(
        "--fit",
        "preprocessing.fit",
        learning.PreprocessingSpec.Fit,
        "FIT_",
        "How an image gets the model's size; else the weights' own way.",
    ),
    number_flag(
        "--resize",
        "preprocessing.resize_shorter_side_px",
        COUNT,
        "With --fit crop: the shorter side before the crop, in pixels.",
    ),
    SpecFlag(
        name="--interpolation",
        path="preprocessing.interpolation",
        kind=click.Choice(["bilinear", "bicubic"]),
        help="Of the resize; else the weights' own.",
    ),
    SpecFlag(
        name="--mean",
        path="preprocessing.mean",
        parse=decimals,
        metavar="R,G,B",
        help="Subtracted; else the weights' own.",
    ),
    SpecFlag(
        name="--std",
        path="preprocessing.std",
        parse=decimals,
        metavar="R,G,B",
        help="Divided by; else the weights' own.",
    ),
)
"""What is done to images, beside --augment-with."""

SIMCLR_FLAGS = (
    number_flag("--temperature", "simclr.temperature", POSITIVE, "Of the loss; 0.5."),
    SpecFlag(
        name="--projection",
        path="simclr.projection_units",
        parse=numbers,
        metavar="N,N",
        help="Widths of what is thrown away afterwards; the width of the features, then 128.",
    ),
    number_flag("--neighbours", "simclr.num_neighbours", COUNT, "Of the probe; 20."),
    SpecFlag(
        name="--ignore-collapse/--no-ignore-collapse",
        path="simclr.ignore_collapse",
        help="Go on when all features have become the same.",
    ),
)
"""Learning without labels, beside --simclr."""

RESULT_FLAGS = (
    text_flag(
        "--register-as",
        "export.register_as",
        "Register the backbone as checkpoints/NAME when the job succeeds.",
    ),
    text_flag("--note", "export.note", "Kept with the checkpoint."),
    enum_flag(
        "--export-state",
        "export.state",
        jobs.ExportSpec.State,
        "STATE_",
        "The last epoch's numbers, or the best one's; best with --early-stopping.",
    ),
    text_flag("--name", "display_name", "A name for people."),
)
"""What the job leaves."""

FLAGS = (
    *MODEL_FLAGS,
    *SPLIT_FLAGS,
    *FREEZE_FLAGS,
    *DURATION_FLAGS,
    *LOSS_FLAGS,
    *OPTIMIZER_FLAGS,
    *COMPUTING_FLAGS,
    *IMAGE_FLAGS,
    *SIMCLR_FLAGS,
    *RESULT_FLAGS,
    *RUN_FLAGS,
)
"""All that set one field as it is."""
