/** The line from what a backbone began with to the checkpoint, and its descendants. */

import type { Checkpoint } from "@vertebra/client/v1/catalog";

import { addressOf } from "../../address";
import { useAsked } from "../../parts/asked";
import { Link } from "../../parts/link";
import { Failure } from "../../parts/notice";
import { services } from "../../services";
import { familyOf, keepsItsParent, madeBy } from "./lineage";

export function LineageView({ of }: { of: Checkpoint }) {
  const family = useAsked((signal) => familyOf(of, services.catalog, { signal }), [of.name]);
  const { ancestors = [], origin = "", children = [] } = family.value ?? {};
  if (family.failure) return <Failure of={family.failure} />;
  return (
    <ol class="lineage" aria-busy={family.isAsking}>
      {origin && (
        <li>
          <Origin name={origin} />
        </li>
      )}
      {ancestors.map((one) => (
        <Step key={one.name} of={one} />
      ))}
      <Step of={of} isHere />
      {children.map((one) => (
        <Step key={one.name} of={one} />
      ))}
    </ol>
  );
}

function Origin({ name }: { name: string }) {
  if (name.startsWith("torchvision/") || name.startsWith("huggingface/")) {
    return <Link to={addressOf("/weights", { name })}>{name}</Link>;
  }
  return (
    <>
      {name}
      {name.startsWith("checkpoints/") && <span class="quiet">not listed any more</span>}
    </>
  );
}

function Step({ of, isHere = false }: { of: Checkpoint; isHere?: boolean }) {
  return (
    <li class={isHere ? "here" : ""} aria-current={isHere ? "true" : undefined}>
      {isHere ? (
        <b>{of.checkpointId}</b>
      ) : (
        <Link to={addressOf("/checkpoints", { name: of.name })}>{of.checkpointId}</Link>
      )}
      {keepsItsParent(of) && <span class="quiet">the same backbone: nothing of it has moved</span>}
      <span class="how">{madeBy(of)}</span>
    </li>
  );
}
