/** A short word with a colour and a shape: how something stands. */

export type Tone = "good" | "bad" | "busy" | "still" | "plain" | "warn";

export function Badge({ tone, children }: { tone: Tone; children: string }) {
  return (
    <span class={`badge ${tone}`}>
      <i aria-hidden="true" />
      {children}
    </span>
  );
}
