/** What can be typed into settings that name something of the catalog's. */

import { all, type Asked, useAsked } from "../../parts/asked";
import type { Suggestion } from "../../parts/combobox";
import { services } from "../../services";
import { count, metric } from "../../words";

/** Returns the architectures that can be trained, with what helps to choose. */
export function useArchitectures(): Asked<Suggestion[]> {
  return useAsked(async (signal) => {
    const found = await all(services.catalog.listArchitectures({ signal }));
    return found
      .filter((one) => one.isBuildable)
      .map((one) => ({
        value: one.architectureId,
        detail: [
          count(one.numParameters),
          one.metricName && `${metric(one.metricValue)} ${one.metricName}`,
          one.isCached && "at hand",
        ]
          .filter(Boolean)
          .join(" \u00b7 "),
      }));
  }, []);
}

/** Returns the weights and the registered checkpoints of an architecture's backbone. */
export function useWeights(architecture: string): Asked<Suggestion[]> {
  return useAsked(
    async (signal) => {
      if (!/^[\w./-]+$/.test(architecture)) return [];
      const filter = `architecture_id = ${JSON.stringify(architecture)}`;
      const [weights, checkpoints] = await Promise.all([
        all(services.catalog.listWeights({ filter, signal })),
        all(services.catalog.listCheckpoints({ filter, signal })),
      ]);
      return [
        ...checkpoints.map((one) => ({
          value: one.name,
          detail: one.lineage?.method || "checkpoint",
        })),
        ...weights.map((one) => ({
          value: one.reference.replace(/^torchvision\//, ""),
          detail: one.isDefault ? "default" : "",
        })),
      ];
    },
    [architecture],
  );
}
