/** Training. */
import { Empty } from "../../parts/notice";
export function TrainingPage({ query }: { query: URLSearchParams }) {
  return <Empty>Training {query.get("like")}</Empty>;
}
