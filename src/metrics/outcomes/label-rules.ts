import type { ObjectiveKind } from "../../config/events/objective-kinds.ts";

/** What a label of one kind must be. */
interface LabelRule {
  readonly expected: string;
  readonly test: (label: number) => boolean;
}

/** What labels of each kind must be: leaving one out does not compile. */
export const LABEL_RULES: Readonly<Record<ObjectiveKind, LabelRule>> = {
  binary: { expected: "labels of 0 or 1", test: (label) => label === 0 || label === 1 },
  count: { expected: "whole numbers that are not negative", test: (label) => label >= 0 && Number.isInteger(label) },
  value: { expected: "finite amounts that are not negative", test: (label) => label >= 0 && Number.isFinite(label) },
};
