/** How much of something: a share from 0 to 1, with its label beside it. */

interface Given {
  readonly share: number | undefined;
  readonly label: string;
  readonly kind?: "busy" | "done" | "still" | "failed";
}

export function Meter({ share, label, kind = "busy" }: Given) {
  const percent =
    share === undefined ? undefined : Math.round(100 * Math.min(1, Math.max(0, share)));
  return (
    <div
      class={`meter ${kind} ${percent === undefined ? "unknown" : ""}`}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <div style={{ width: `${percent ?? 100}%` }} />
    </div>
  );
}
