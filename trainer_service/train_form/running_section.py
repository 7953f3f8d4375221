"""How it is computed, and how a job runs and survives."""

from trainer_service.jobs.run_spec import DEFAULT_MAX_FAILURES, UNLIMITED
from trainer_service.train_form.field import FormChoice, FormField, FormSection, when

COMPUTING = (
    FormField(
        path="precision",
        label="Precision",
        help="The numbers of forward and backward; parameters stay in 32 bits.",
        kind="choice",
        default="PRECISION_FP32",
        choices=(
            FormChoice(value="PRECISION_FP32", label="32 bits"),
            FormChoice(
                value="PRECISION_BF16", label="bfloat16", help="Matrix products, convolutions."
            ),
            FormChoice(
                value="PRECISION_FP16",
                label="float16",
                help="The same, with a scaled loss; CUDA only.",
            ),
        ),
        flag="--precision",
    ),
    FormField(
        path="microBatchSize",
        label="Micro-batch size",
        help="Images at a time: less memory, the same gradient; the whole batch where empty.",
        kind="integer",
        minimum=1,
        unit="images",
        is_advanced=True,
        flag="--micro-batch-size",
    ),
    FormField(
        path="featureCache.policy",
        label="Keep frozen features",
        help="What a frozen first part puts out is computed once.",
        kind="choice",
        default="POLICY_WHERE_EXACT",
        choices=(
            FormChoice(
                value="POLICY_WHERE_EXACT",
                label="Where exact",
                help="Where the numbers are the same as without.",
            ),
            FormChoice(value="POLICY_NEVER", label="Never"),
            FormChoice(
                value="POLICY_REQUIRED",
                label="Required",
                help="The job is refused where there is nothing to keep.",
            ),
        ),
        is_advanced=True,
        flag="--cache",
    ),
    FormField(
        path="featureCache.numViews",
        label="Views to keep",
        help="Augmented views of every image, taken in turn; 0 keeps none of images that vary.",
        kind="integer",
        default=0,
        minimum=0,
        shown_when=when("featureCache.policy", "POLICY_WHERE_EXACT", "POLICY_REQUIRED"),
        is_advanced=True,
        flag="--cache-views",
    ),
    FormField(
        path="compile",
        label="torch.compile",
        help="Whether it is used.",
        kind="choice",
        default="COMPILE_POLICY_NEVER",
        choices=(
            FormChoice(value="COMPILE_POLICY_NEVER", label="Never"),
            FormChoice(
                value="COMPILE_POLICY_WHERE_IT_PAYS",
                label="Where it pays",
                help="Where the steps that are left save more than it costs, measured.",
            ),
            FormChoice(value="COMPILE_POLICY_ALWAYS", label="Always"),
        ),
        is_advanced=True,
        flag="--compile",
    ),
    FormField(
        path="seed",
        label="Seed",
        help="Of the order of images and the augmentation.",
        kind="integer",
        default=0,
        minimum=0,
        is_advanced=True,
        flag="--seed",
    ),
)

SURVIVING = (
    FormField(
        path="run.numDevices",
        label="Devices",
        help="That train together, each on its part of every batch.",
        kind="integer",
        default=1,
        minimum=1,
        flag="--devices",
    ),
    FormField(
        path="run.priority",
        label="Priority",
        help="Jobs with a larger one start first.",
        kind="integer",
        default=0,
        minimum=-1000,
        maximum=1000,
        is_advanced=True,
        flag="--priority",
    ),
    FormField(
        path="run.engine",
        label="Engine",
        help="What starts and keeps the job's processes.",
        kind="choice",
        default="ENGINE_PROCESS",
        choices=(
            FormChoice(value="ENGINE_PROCESS", label="This host", help="Processes, one a device."),
            FormChoice(
                value="ENGINE_RAY", label="Ray", help="Actors of a cluster that the trainer knows."
            ),
        ),
        is_advanced=True,
        flag="--engine",
    ),
    FormField(
        path="run.maxFailures",
        label="Restarts after failures",
        help="After a crash, a hang or a host without memory.",
        kind="integer",
        default=DEFAULT_MAX_FAILURES,
        minimum=0,
        is_advanced=True,
        flag="--max-failures",
    ),
    FormField(
        path="run.maxPreemptions",
        label="Restarts after preemptions",
        help="Or after its host was lost; -1 is without end.",
        kind="integer",
        default=UNLIMITED,
        minimum=UNLIMITED,
        is_advanced=True,
        flag="--max-preemptions",
    ),
    FormField(
        path="run.timeLimit",
        label="Time limit",
        help="From the first start on, such as 2h30m; none where empty.",
        kind="duration",
        is_advanced=True,
        flag="--time-limit",
    ),
    FormField(
        path="run.snapshotInterval",
        label="Save every",
        help="Such as 10min; where empty, so that saving takes 2 % of the time.",
        kind="duration",
        is_advanced=True,
        flag="--snapshot-every",
    ),
)

RUNNING = FormSection(
    id="running",
    label="Running",
    help="Where and how it is computed; nothing here changes what is learned, but for rounding.",
    fields=(*COMPUTING, *SURVIVING),
)
