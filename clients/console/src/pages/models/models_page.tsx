/** Models. */

import { Empty } from "../../parts/notice";

export function ModelsPage({ query }: { query: URLSearchParams }) {
  return <Empty>Models {query.get("name")}</Empty>;
}
