/** Bringing weights into the store, watched; the catalog goes on when nobody watches. */

import {
  CachedState,
  type EnsuredWeights,
  type EnsureProgress,
  EnsureProgress_Step as Step,
  type Weights,
} from "@vertebra/client/v1/catalog";
import { useEffect, useRef, useState } from "preact/hooks";

import { Button } from "../../parts/button";
import { Meter } from "../../parts/meter";
import { Failure } from "../../parts/notice";
import { services } from "../../services";
import { bytes, duration, spoken } from "../../words";

interface Given {
  readonly of: Weights;
  readonly onDone: (came: EnsuredWeights) => void;
}

export function BringIn({ of, onDone }: Given) {
  const [progress, setProgress] = useState<EnsureProgress>();
  const [failure, setFailure] = useState<Error>();
  const leaving = useRef(new AbortController());
  useEffect(() => () => leaving.current.abort(), []);
  const bring = async (): Promise<void> => {
    setFailure(undefined);
    const { signal } = leaving.current;
    try {
      onDone(
        await services.catalog.ensureWeights(of.reference, { onProgress: setProgress, signal }),
      );
    } finally {
      setProgress(undefined);
    }
  };
  if (of.cachedState === CachedState.STORED && !progress) return null;
  return (
    <div class="transfer">
      <div>
        <Button kind="main" onPress={bring} onFailure={setFailure}>
          Bring them in
        </Button>{" "}
        <span class="quiet">
          {bytes(of.sizeBytes)}, compared with what was published before anyone gets them
        </span>
      </div>
      {progress && <Progress of={progress} />}
      <Failure of={failure} />
    </div>
  );
}

function Progress({ of }: { of: EnsureProgress }) {
  const share = of.bytesTotal ? Number(of.bytesDone) / Number(of.bytesTotal) : undefined;
  const isMoving = of.step === Step.DOWNLOADING || of.step === Step.WAITING;
  return (
    <>
      <Meter share={isMoving ? share : undefined} label="Bringing the weights in" />
      <div class="line" role="status">
        <span>{of.text || spoken(Step[of.step])}</span>
        <span class="quiet">
          {isMoving &&
            [
              of.bytesTotal
                ? `${bytes(of.bytesDone)} of ${bytes(of.bytesTotal)}`
                : bytes(of.bytesDone),
              of.bytesPerS > 0 && `${bytes(Math.round(of.bytesPerS))}/s`,
              of.remaining && `${duration(of.remaining)} left`,
            ]
              .filter(Boolean)
              .join(" · ")}
        </span>
      </div>
    </>
  );
}
