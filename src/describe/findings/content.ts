import { type Finding, finding } from "../finding.ts";
import { count, percent, short } from "../format.ts";
import type { FieldProfile } from "../profile.ts";

/** A component whose scale is so many times the median one outweighs all others. */
const LARGE_RATIO = 100;
/** Shares of vectors of zeros, and of one that several items have. */
const MANY_ZEROS = 0.01;
const MANY_SHARED = 0.2;
/** What stands between ids in text, as a rule. */
const SEPARATORS = /[,;|/]|\s/;
/** Components that are named. */
const MOST_NAMED = 5;

/** What is suspicious of vectors. */
export function suspiciousVector({ name, values }: FieldProfile): readonly Finding[] {
  if (values.kind !== "vector") return [];
  const { dim, constant, largest, zeros, mostShared } = values;
  const found: Finding[] = [];
  if (largest !== null && largest.scale > LARGE_RATIO * largest.median && constant.length < dim) {
    const { component, scale, median } = largest;
    const evidence = `Component ${component} of ${name} is of scale ${short(scale)}, most of the ${count(dim)} of ${short(median)}.`;
    found.push(finding("VECTOR_COMPONENT_LARGE", name, { evidence, numbers: { component, scale, median } }));
  }
  if (zeros > MANY_ZEROS) {
    const evidence = `${percent(zeros)} of the vectors of ${name} are all zero.`;
    found.push(finding("VECTOR_ZERO", name, { evidence, numbers: { share: zeros } }));
  } else if (mostShared > MANY_SHARED) {
    const evidence = `${percent(mostShared)} of the events with ${name} have one and the same, of several items.`;
    found.push(finding("VECTOR_SHARED", name, { evidence, numbers: { share: mostShared } }));
  }
  if (constant.length > 0 && constant.length < dim) {
    const named = constant.slice(0, MOST_NAMED).join(", ");
    const evidence = `${count(constant.length)} of ${count(dim)} components of ${name}: ${named}${constant.length > MOST_NAMED ? ", …" : ""}.`;
    found.push(finding("VECTOR_COMPONENT_CONSTANT", name, { evidence, numbers: { constant: constant.length, dim } }));
  }
  return found;
}

/** What is suspicious of lists of ids. */
export function suspiciousList({ name, values }: FieldProfile): readonly Finding[] {
  if (values.kind !== "categories" || values.lengths?.max !== 1) return [];
  const unsplit = values.top.find(({ value }) => value !== null && SEPARATORS.test(value));
  if (unsplit === undefined) return [];
  const evidence = `No list of ${name} has more than 1 id, and one is ${JSON.stringify(unsplit.value)}.`;
  return [finding("LIST_NOT_SPLIT", name, { evidence, numbers: { longest: 1, events: unsplit.count } })];
}
