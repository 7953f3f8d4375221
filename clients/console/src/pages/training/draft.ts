/** What was chosen so far: kept in the tab, filled from a job that is trained again. */

import { toJson } from "@bufbuild/protobuf";
import { TrainJobSpecSchema } from "@vertebra/client/v1/trainer";
import { useEffect, useState } from "preact/hooks";

import { addressOf, go } from "../../address";
import { services } from "../../services";
import type { Choices, Form } from "./form";

type Rest = Record<string, never>;

export interface Draft {
  readonly choices: Choices;
  /** What the form does not ask for. */
  readonly rest: Rest;
}

const KEY = "vertebra.draft";
const EMPTY: Draft = { choices: {}, rest: {} };

function kept(): Draft {
  try {
    return { ...EMPTY, ...(JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Draft) };
  } catch {
    return EMPTY;
  }
}

/**
 * Returns the draft and how it is changed.
 *
 * @param query `like` names a job whose spec it begins with; `backbone` and `weights` what to start
 *     from.
 */
export function useDraft(form: Form, query: URLSearchParams, onFailure: (failure: Error) => void) {
  const [draft, setDraft] = useState(kept);
  useEffect(() => sessionStorage.setItem(KEY, JSON.stringify(draft)), [draft]);
  const [like, backbone, weights] = ["like", "backbone", "weights"].map((name) => query.get(name));
  useEffect(() => {
    if (like) {
      void services.trainer.get(like).then(({ spec }) => {
        if (spec) setDraft(form.choicesOf(toJson(TrainJobSpecSchema, spec) as never) as Draft);
      }, onFailure);
    }
    if (backbone || weights) {
      setDraft(({ choices, rest }) => ({
        choices: {
          ...choices,
          ...(backbone && { "model.backbone": backbone }),
          ...(weights && { "model.weights": weights, "model.pretrained": true }),
        },
        rest,
      }));
    }
    if (like || backbone || weights) go(addressOf("/training"), { replace: true });
  }, [like, backbone, weights]);
  return {
    draft,
    choose: (path: string, chosen: Choices[string]) =>
      setDraft(({ choices, rest }) => ({ choices: { ...choices, [path]: chosen }, rest })),
    clear: () => setDraft(EMPTY),
  };
}
