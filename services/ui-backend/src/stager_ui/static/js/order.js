// The order of a listing: folders first, then by a column; names as people count, so that 9 comes before 10.
import { language } from "./texts.js";

const collator = new Intl.Collator(language, { numeric: true, sensitivity: "base" });

const byName = (one, other) => collator.compare(one.name, other.name) || (one.name < other.name ? -1 : 1);

const BY = {
  name: byName,
  size: (one, other) => (one.size ?? 0) - (other.size ?? 0) || byName(one, other),
  modified: (one, other) => (one.modified ?? 0) - (other.modified ?? 0) || byName(one, other),
};

export function order(entries, { column, down }) {
  const compare = BY[column];
  const sign = down ? -1 : 1;
  const rank = (entry) => (entry.type === "folder" ? 0 : 1);
  return entries.toSorted((one, other) => rank(one) - rank(other) || sign * compare(one, other));
}
