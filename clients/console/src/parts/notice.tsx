/** Something to know: a failure, a warning, a remark. Text of others is shown as text. */

import { RpcFailed } from "@vertebra/client";
import type { ComponentChildren } from "preact";

import { inPlainWords } from "../plain_words";

type Kind = "error" | "warning" | "remark";

export function Notice({ kind, children }: { kind: Kind; children: ComponentChildren }) {
  return (
    <div class={`notice ${kind}`} role={kind === "error" ? "alert" : "status"}>
      {children}
    </div>
  );
}

/** A failure in its own words, line by line, with the pages that help; nothing where there is none. */
export function Failure({ of }: { of: Error | undefined }) {
  if (!of) return null;
  const links = of instanceof RpcFailed ? of.links : [];
  return (
    <Notice kind="error">
      <span class="lines">{inPlainWords(of.message)}</span>
      {links
        .filter(({ url }) => /^https?:\/\//.test(url))
        .map(({ text, url }) => (
          <a href={url} target="_blank" rel="noopener noreferrer">
            {text || url}
          </a>
        ))}
    </Notice>
  );
}

/** What stands where a list is empty, and what to do about it. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <div class="empty">{children}</div>;
}
