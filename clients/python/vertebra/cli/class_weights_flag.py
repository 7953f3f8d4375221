"""`--class-weights`: a rule, or a weight for every class."""

import click

from vertebra.cli.written_values import decimals
from vertebra.trainer.v1 import learning_pb2 as learning

RULES = {
    "none": learning.ClassWeights.RULE_NONE,
    "balanced": learning.ClassWeights.RULE_BALANCED,
    "effective": learning.ClassWeights.RULE_EFFECTIVE,
}


def set_class_weights(loss: learning.LossSpec, text: str) -> None:
    """Set the rule named `text`, or the weights in `1,2.5,1`.

    Raises:
        click.BadParameter: something else.
    """
    loss.ClearField("class_weights")
    if text in RULES:
        loss.class_weights.rule = RULES[text]
        return
    try:
        weights = decimals(text)
    except click.BadParameter as error:
        why = f"{text!r}; expected {', '.join(RULES)}, or a number for every class: 1,2.5,1"
        raise click.BadParameter(why, param_hint="--class-weights") from error
    loss.class_weights.rule = learning.ClassWeights.RULE_EXPLICIT
    loss.class_weights.weights.extend(weights)
