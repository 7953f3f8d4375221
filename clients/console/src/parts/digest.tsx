/** The first digits of a digest or an id; a press copies all of it. */

import { useState } from "preact/hooks";

import { short } from "../words";
import { copyText } from "./copy";

export function Digest({ of, label = "copy" }: { of: string; label?: string }) {
  const [isCopied, setCopied] = useState(false);
  const copy = async (): Promise<void> => {
    await copyText(of);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  if (!of) return null;
  return (
    <button type="button" class="digest" title={`${of}: ${label}`} onClick={() => void copy()}>
      {short(of)}
      <span class="unseen">, {label}</span>
      <span class="copied" role="status">
        {isCopied ? "copied" : ""}
      </span>
    </button>
  );
}
