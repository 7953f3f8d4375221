"""What a finished job leaves."""

from trainer_service.train_form.field import FormChoice, FormField, FormSection

RESULT = FormSection(
    id="result",
    label="Result",
    help="The backbone and the whole model are always exported.",
    fields=(
        FormField(
            path="displayName",
            label="Name",
            help="For people; may repeat.",
            kind="text",
            flag="--name",
        ),
        FormField(
            path="labels",
            label="Labels",
            help="For people and their tools, such as team = vision; lists of jobs filter by them.",
            kind="map",
            is_advanced=True,
            flag="--label",
            row=(
                FormField(
                    path="key",
                    label="Label",
                    help="At most 63 letters, digits, `-`, `_`, `.` and `/`.",
                    kind="text",
                    is_required=True,
                ),
                FormField(path="value", label="Value", help="The same.", kind="text"),
            ),
        ),
        FormField(
            path="export.registerAs",
            label="Register as",
            help="The backbone becomes checkpoints/NAME, which anything can start from.",
            kind="text",
            flag="--register-as",
        ),
        FormField(
            path="export.state",
            label="Which numbers",
            help="That are exported.",
            kind="choice",
            choices=(
                FormChoice(
                    value=None,
                    label="As usual",
                    help="The best with early stopping, else the last.",
                ),
                FormChoice(value="STATE_LAST", label="Last", help="Those after the last step."),
                FormChoice(
                    value="STATE_BEST",
                    label="Best",
                    help="Those of the epoch with the best validation.",
                ),
            ),
            is_advanced=True,
            flag="--export-state",
        ),
        FormField(
            path="export.note",
            label="Note",
            help="Kept with the checkpoint.",
            kind="text",
            is_advanced=True,
            flag="--note",
        ),
    ),
)
