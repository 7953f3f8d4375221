/**
 * Training: images and how is learned at the left, the model in the middle, at the right what would
 * happen. Everything that is asked comes from the trainer's form.
 */

import { toJson, toJsonString } from "@bufbuild/protobuf";
import { newRequestId } from "@vertebra/client";
import { TrainJobSpecSchema, type TrainForm } from "@vertebra/client/v1/trainer";
import { useMemo, useState } from "preact/hooks";

import { addressOf, go } from "../../address";
import { askNow } from "../../health";
import { useAsked } from "../../parts/asked";
import { Button } from "../../parts/button";
import type { Suggestion } from "../../parts/combobox";
import { copyText } from "../../parts/copy";
import { Empty, Failure, Notice } from "../../parts/notice";
import { Panel } from "../../parts/panel";
import { services } from "../../services";
import { useDraft } from "./draft";
import { FieldView, HelpLine } from "./field_view";
import { type Choices, type Chosen, Form, type FormField, type FormSection, Kind } from "./form";
import { Named, ToMend } from "./mend_view";
import { pathsIn } from "./json_path";
import { PlanView, TrainingShare } from "./plan_view";
import { type Problems, problemsOf, specOf, useDescription, usePlan } from "./preview";
import { useArchitectures, useWeights } from "./suggestions";
import { spokenSpan } from "./time_spans";
import { usualText } from "./values";

/** Sections of the middle; all others stand at the left. */
const MIDDLE = new Set(["model", "freezing", "head"]);

export function TrainingPage({ query }: { query: URLSearchParams }) {
  const form = useAsked(
    async (signal) => (await services.trainer.jobs.getTrainForm({}, { signal })).form,
    [],
  );
  if (form.value) return <Training of={form.value} query={query} />;
  return form.failure ? (
    <Failure of={form.failure} />
  ) : (
    <Empty>Asking the trainer what can be chosen</Empty>
  );
}

function Training({ of, query }: { of: TrainForm; query: URLSearchParams }) {
  const form = useMemo(() => new Form(of), [of]);
  const [failure, setFailure] = useState<Error>();
  const [atPath, setAtPath] = useState("");
  const { draft, choose, clear } = useDraft(form, query, setFailure);
  const { choices, rest } = draft;
  const shown = form.shown(choices);
  const missing = form.missing(choices);
  const unreadable = form.unreadable(choices);
  const isReadable = unreadable.size === 0;
  const json = useMemo(() => form.spec(form.readable(choices), rest), [choices, rest]);
  const plan = usePlan(json, Object.keys(json).length > 0);
  const description = useDescription(json);
  const found = problemsOf(plan.failure, form, shown, missing);
  const problems = { ...found, beside: new Map([...found.beside, ...unreadable]) };

  const given = { form, choices, choose, problems, usual: usualOf(plan.value?.spec) };
  const at = (event: Event): void => {
    const place = (event.target as Element).closest<HTMLElement>("[data-path]");
    if (place?.dataset["path"]) setAtPath(place.dataset["path"]);
  };
  const isReady = isReadable && !missing.length && plan.value !== undefined && !plan.failure;
  return (
    <div class="training" onFocusCapture={at} onMouseOver={at}>
      <h1 class="unseen">Training</h1>
      <div class="column">
        {form.sections
          .filter(({ id }) => !MIDDLE.has(id))
          .map((one) => (
            <Section key={one.id} section={one} {...given} />
          ))}
      </div>
      <div class="column middle">
        {form.sections
          .filter(({ id }) => MIDDLE.has(id))
          .map((one) => (
            <Section key={one.id} section={one} {...given} />
          ))}
        {Object.keys(rest).length > 0 && (
          <Notice kind="remark">
            Also as in that job: {pathsIn(rest).join(", ")}.{" "}
            <Button onPress={clear}>Begin anew</Button>
          </Notice>
        )}
      </div>
      <div class="column plan-column">
        <Panel
          title="Plan"
          aside={
            <div class="buttons">
              <CopyJson of={json} />
              <Button onPress={clear}>Clear</Button>
              <Start
                of={json}
                isReady={isReady}
                onFailure={setFailure}
                onStart={() => setFailure(undefined)}
              />
            </div>
          }
        >
          <div class="body plan-body" aria-live="polite" aria-busy={plan.isAsking}>
            <Failure of={failure} />
            {problems.others.map((text) => (
              <Notice kind="error" key={text}>
                <span class="lines">{text}</span>
              </Notice>
            ))}
            <Named what="Still to choose" fields={missing} />
            <ToMend
              fields={shown.filter(({ path }) => problems.beside.has(path))}
              beside={problems.beside}
            />
            {!missing.length && plan.isAsking && !plan.value && <p class="quiet">Planning</p>}
            {!missing.length && plan.value?.plan ? (
              <PlanView plan={plan.value.plan} />
            ) : (
              description.value && (
                <TrainingShare
                  numTrainable={description.value.numTrainableParameters}
                  numFrozen={description.value.numFrozenParameters}
                  parts={description.value.parts}
                />
              )
            )}
          </div>
        </Panel>
      </div>
      <HelpLine field={form.fields.get(atPath)} value={form.value(choices, atPath)} />
    </div>
  );
}

interface SectionGiven {
  readonly form: Form;
  readonly choices: Choices;
  readonly choose: (path: string, chosen: Chosen) => void;
  readonly problems: Problems;
  readonly usual: (path: string) => string;
}

function Section({ section, ...given }: SectionGiven & { section: FormSection }) {
  const { form, choices, problems } = given;
  const shown = section.fields.filter((field) => form.isShown(choices, field));
  const plain = shown.filter((field) => !field.isAdvanced);
  const folded = shown.filter((field) => field.isAdvanced);
  const isOpen = folded.some(({ path }) => problems.beside.has(path) || isSaid(choices[path]));
  if (!shown.length) return null;
  return (
    <Panel title={section.label}>
      <div class="body fields">
        {plain.map((field) => (
          <OneField key={field.path} field={field} {...given} />
        ))}
        {folded.length > 0 && (
          <details open={isOpen}>
            <summary>More</summary>
            {folded.map((field) => (
              <OneField key={field.path} field={field} {...given} />
            ))}
          </details>
        )}
      </div>
    </Panel>
  );
}

function isSaid(chosen: Chosen | undefined): boolean {
  return Array.isArray(chosen) ? chosen.length > 0 : Boolean(chosen);
}

function OneField({
  field,
  form,
  choices,
  choose,
  problems,
  usual,
}: SectionGiven & { field: FormField }) {
  return (
    <Suggesting field={field} choices={choices}>
      {(suggestions) => (
        <FieldView
          field={field}
          chosen={choices[field.path]}
          value={form.value(choices, field.path)}
          onChosen={(chosen) => choose(field.path, chosen)}
          usual={usualIn(field, usual(field.path))}
          problem={problems.beside.get(field.path)}
          suggestions={suggestions}
        />
      )}
    </Suggesting>
  );
}

interface SuggestingGiven {
  readonly field: FormField;
  readonly choices: Choices;
  readonly children: (suggestions: readonly Suggestion[]) => preact.ComponentChildren;
}

/** Asks the catalog for names where the setting takes one. */
function Suggesting({ field, choices, children }: SuggestingGiven) {
  if (field.kind === Kind.ARCHITECTURE) return <Architectures>{children}</Architectures>;
  if (field.kind !== Kind.WEIGHTS) return <>{children([])}</>;
  return <WeightsOf of={String(choices["model.backbone"] ?? "")}>{children}</WeightsOf>;
}

function Architectures({ children }: Pick<SuggestingGiven, "children">) {
  return <>{children(useArchitectures().value ?? [])}</>;
}

function WeightsOf({ of, children }: Pick<SuggestingGiven, "children"> & { of: string }) {
  return <>{children(useWeights(of).value ?? [])}</>;
}

/** Returns what to show in an empty line: what the server says it would take. */
function usualOf(spec: ReturnType<typeof specOf> | undefined): (path: string) => string {
  const json = spec ? toJson(TrainJobSpecSchema, spec) : {};
  return (path) => {
    let at: unknown = json;
    for (const name of path.split(".")) at = (at as Record<string, unknown> | undefined)?.[name];
    const isPlain = typeof at === "string" || typeof at === "number";
    return Array.isArray(at) ? at.join("\n") : isPlain ? String(at) : "";
  };
}

/** Returns the same as a person would type it. */
function usualIn(field: FormField, usual: string): string {
  if (field.kind === Kind.DURATION && usual) return spokenSpan(usual);
  return usual || usualText(field);
}

interface StartGiven {
  readonly of: ReturnType<Form["spec"]>;
  readonly isReady: boolean;
  readonly onStart: () => void;
  readonly onFailure: (failure: Error) => void;
}

function Start({ of, isReady, onStart, onFailure }: StartGiven) {
  // The same spec that is sent twice is one job.
  const requestId = useMemo(newRequestId, [JSON.stringify(of)]);
  const start = async (): Promise<void> => {
    onStart();
    const job = await services.trainer.create(specOf(of), { requestId });
    askNow("trainer");
    go(addressOf("/jobs", { name: job.jobId }));
  };
  return (
    <Button kind="main" disabled={!isReady} onPress={start} onFailure={onFailure}>
      Start training
    </Button>
  );
}

/** Copies the experiment file. */
function CopyJson({ of }: { of: ReturnType<Form["spec"]> }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    const text = toJsonString(TrainJobSpecSchema, specOf(of), {
      prettySpaces: 2,
      useProtoFieldName: true,
    });
    await copyText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <Button onPress={copy} title="The experiment file, for `vertebra train`">
      {isCopied ? "Copied" : "Copy JSON"}
    </Button>
  );
}
