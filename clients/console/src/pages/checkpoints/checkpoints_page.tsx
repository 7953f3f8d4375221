/** Checkpoints. */

import { Empty } from "../../parts/notice";

export function CheckpointsPage({ query }: { query: URLSearchParams }) {
  return <Empty>Checkpoints {query.get("name")}</Empty>;
}
