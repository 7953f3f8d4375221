/** Why a job failed, with the settings under the names that the form gives them. */

import type { JobFailure } from "@vertebra/client/v1/trainer";

import { useAsked } from "../../parts/asked";
import { Notice } from "../../parts/notice";
import { inPlainWords } from "../../plain_words";
import { services } from "../../services";
import { spoken } from "../../words";
import { Form } from "../training/form";

export function WhyFailed({ of: { reason, message } }: { of: JobFailure }) {
  const form = useAsked(async (signal) => {
    const answer = await services.trainer.jobs.getTrainForm({}, { signal });
    return answer.form && new Form(answer.form);
  }, []);
  const text = inPlainWords(message);
  return (
    <Notice kind="error">
      <b title={reason}>{sentence(spoken(reason))}</b>
      <span class="lines">{form.value?.inItsWords(text, []) ?? text}</span>
    </Notice>
  );
}

function sentence(words: string): string {
  return words.slice(0, 1).toUpperCase() + words.slice(1);
}
