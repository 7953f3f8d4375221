/** Jobs. */
import { Empty } from "../../parts/notice";
export function JobsPage({ query }: { query: URLSearchParams }) {
  return <Empty>Jobs {query.get("name")}</Empty>;
}
