/** Weights. */

import { Empty } from "../../parts/notice";

export function WeightsPage({ query }: { query: URLSearchParams }) {
  return <Empty>Weights {query.get("name")}</Empty>;
}
