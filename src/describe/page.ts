import { DAY_MS } from "../base/units.ts";
import type { Page, Section } from "../report/html.ts";
import { binChart } from "../report/svg/bin-chart.ts";
import { intervalChart } from "../report/svg/interval-chart.ts";
import { lineChart, type Point } from "../report/svg/line-chart.ts";
import { clipped, count, day, durationUnit, instant, percent, rateOf } from "./format.ts";
import type { Distribution, FieldProfile, LabelProfile, Profile, Rate, TimeProfile, TopValue } from "./profile.ts";
import { delayTable, fieldTable, labelTable, windowTable } from "./tables.ts";

const MOST_SURFACES = 12;
const MOST_VALUES = 8;

/** The whole profile as a page: what is suspicious first. */
export function profilePage(
  profile: Profile,
  { title, notes }: { readonly title: string; readonly notes: readonly string[] },
): Page {
  const { numEvents, numUsers, time } = profile;
  const users = numUsers === null ? "" : ` of ${count(numUsers)} users`;
  const times = time === null ? "" : `, ${instant(time.earliestMs)} to ${instant(time.latestMs)} UTC`;
  const subtitle = `${count(numEvents)} events${users}${times}`;
  return {
    title,
    subtitle,
    sections: [
      ...notes.map((text): Section => ({ kind: "paragraph", text })),
      ...findingSections(profile),
      { kind: "heading", text: "Labels" },
      { kind: "table", caption: "Labels whose delay had passed at the end of the log", ...labelTable(profile) },
      ...profile.labels.flatMap((label) => labelCharts(label)),
      { kind: "heading", text: "Windows" },
      {
        kind: "table",
        caption: "Known users and items: events whose user, or item, has events in the first window",
        ...windowTable(profile),
      },
      { kind: "paragraph", text: outsideText(profile) },
      ...(time === null ? [] : timeSections(time)),
      { kind: "heading", text: "Histories" },
      ...historySections(profile),
      { kind: "heading", text: "Outcomes" },
      ...delaySections(profile),
      { kind: "heading", text: "Fields" },
      { kind: "table", caption: FIELD_CAPTION, ...fieldTable(profile) },
      ...profile.fields.flatMap(fieldChart),
    ],
  };
}

function outsideText({ outside, numEvents }: Profile): string {
  if (outside === 0) return "Every event lies in one of the windows.";
  return `${count(outside)} events, ${percent(outside / numEvents)}, lie in none of the windows.`;
}

const FIELD_CAPTION =
  "Values: of numbers the minimum, the 5, 25, 50, 75, 95% quantiles and the maximum; of lists their lengths, of vectors the quantiles of their norms; of others the most frequent, with their shares. Plots of numbers end at the 99.5% quantile.";

function findingSections({ findings }: Profile): readonly Section[] {
  const heading: Section = { kind: "heading", text: "What is suspicious" };
  if (findings.length === 0) return [heading, { kind: "paragraph", text: "Nothing was found." }];
  const columns = [
    { label: "" },
    { label: "finding", wraps: true },
    { label: "evidence", wraps: true },
    { label: "what to do", wraps: true },
    { label: "code" },
  ];
  const rows = findings.map(({ severity, field, meaning, evidence, action, code }) => {
    return [severity, `${field}: ${meaning}`, evidence, action, code];
  });
  return [heading, { kind: "table", caption: "Worst first", columns, rows }];
}

function labelCharts({ name, known, positive, bySurface, byDay }: LabelProfile): readonly Section[] {
  // Of a log of positives every rate is 1.
  if (positive === 0 || positive === known) return [];
  const first = byDay[0]?.dayMs ?? 0;
  const points = byDay.map((day): Point => ({ x: (day.dayMs - first) / DAY_MS, y: rateOf(day) ?? Number.NaN }));
  const rows = bySurface
    .toSorted((a, b) => b.known - a.known)
    .slice(0, MOST_SURFACES)
    .map((surface) => ({ label: clipped(surface.surface, 18), ...wilson(surface) }));
  const byTime = lineChart({
    title: `${name} by day`,
    x: { label: `days since ${day(first)}` },
    y: { label: "rate" },
    series: [{ name, points }],
  });
  const charts: Section[] = byDay.length > 1 ? [{ kind: "figure", chart: byTime }] : [];
  if (rows.length < 2) return charts;
  return [
    ...charts,
    { kind: "figure", chart: intervalChart({ title: `${name} by surface`, x: { label: "rate, 95%" }, rows }) },
  ];
}

/** A rate with Wilson's 95% interval. */
function wilson({ known, positive }: Rate) {
  const z2 = 1.96 ** 2;
  const rate = positive / known;
  const middle = (rate + z2 / (2 * known)) / (1 + z2 / known);
  const half = Math.sqrt(z2 * ((rate * (1 - rate)) / known + z2 / (4 * known * known))) / (1 + z2 / known);
  return { value: rate, low: Math.max(0, middle - half), high: Math.min(1, middle + half) };
}

function timeSections({ byDay, tied, atMidnight }: TimeProfile): readonly Section[] {
  const first = byDay[0]?.dayMs ?? 0;
  const bins = byDay.map(({ dayMs, events }) => {
    const from = (dayMs - first) / DAY_MS;
    return { from, to: from + 1, count: events };
  });
  const chart = binChart({
    title: "Events by day",
    x: { label: `days since ${day(first)}` },
    y: { label: "events" },
    bins,
  });
  const text = `${percent(tied)} of the events share their time with an earlier one of their user; ${percent(atMidnight)} are at midnight UTC.`;
  return [
    { kind: "heading", text: "Time" },
    { kind: "paragraph", text },
    { kind: "figure", chart },
  ];
}

function historySections({ histories: { perUser, perEvent } }: Profile): readonly Section[] {
  const names = ["", "1%", "5%", "25%", "50%", "75%", "95%", "99%", "max", "mean"].map((label, i) => {
    return i === 9 ? { label, digits: 1 } : { label };
  });
  const row = (name: string, distribution: Distribution | null) =>
    distribution === null
      ? []
      : [[name, ...distribution.quantiles.map(({ value }) => value), distribution.max, distribution.mean]];
  if (perUser === null && perEvent === null) {
    return [{ kind: "paragraph", text: "The log has no users or no times: events have no past." }];
  }
  const rows = [...row("events of a user", perUser), ...row("past events of an event", perEvent)];
  return [
    { kind: "table", caption: "Lengths of histories: quantiles", columns: names, rows },
    ...distributionChart("Events of a user", perUser, { x: "events", y: "users" }),
    ...distributionChart("Past events of an event", perEvent, { x: "past events", y: "events" }),
  ];
}

function delaySections(profile: Profile): readonly Section[] {
  const untimed = profile.delays.filter(({ isTimed }) => !isTimed).map(({ name }) => clipped(name));
  const text = `The log does not say when these outcomes happened, so that what a delay would miss cannot be told: ${untimed.join(", ")}.`;
  return [
    { kind: "table", caption: "When outcomes become known", ...delayTable(profile) },
    ...(untimed.length > 0 ? [{ kind: "paragraph", text } as const] : []),
    ...profile.delays.flatMap(({ name, measured }) => {
      // Of what happens with its event there is nothing to draw.
      if (measured === null || measured.distribution.max === 0) return [];
      const points = measured.missed.map(({ delayMs, share }) => ({ x: delayMs / DAY_MS, y: share }));
      const axes = { x: { label: "delay", unit: "days" }, y: { label: "share missed" } };
      const title = `${clipped(name)}: missed by a delay`;
      const chart = lineChart({ title, ...axes, series: [{ name, points }] });
      return [
        ...delayChart(`${clipped(name)}: time until it is known`, measured.distribution),
        { kind: "figure", chart } as const,
      ];
    }),
  ];
}

/** A distribution of durations, in the largest unit that half of them reach. */
function delayChart(title: string, distribution: Distribution): readonly Section[] {
  const median = distribution.quantiles.find(({ quantile }) => quantile === 0.5)?.value ?? 0;
  const { name, ms } = durationUnit(median);
  const bins = distribution.bins.map(({ from, to, count }) => ({ from: from / ms, to: to / ms, count }));
  return distributionChart(title, { ...distribution, bins }, { x: `after the event (${name})`, y: "events" });
}

function distributionChart(
  title: string,
  distribution: Distribution | null,
  { x, y }: { readonly x: string; readonly y: string },
): readonly Section[] {
  if (distribution === null || distribution.bins.length === 0) return [];
  const { bins, scale } = distribution;
  return [{ kind: "figure", chart: binChart({ title, x: { label: x, scale }, y: { label: y }, bins }) }];
}

function fieldChart({ name, values }: FieldProfile): readonly Section[] {
  const title = clipped(name, 40);
  switch (values.kind) {
    case "number":
      return distributionChart(title, values.distribution, { x: "value", y: "events" });
    case "vector":
      return distributionChart(`${title}: norms`, values.norms, { x: "Euclidean norm", y: "events" });
    case "categories":
      return [
        ...distributionChart(`${title}: lengths`, values.lengths, { x: "ids of an event", y: "events" }),
        ...topChart(title, values.top),
      ];
    case "flag":
      // The rates of flags are above.
      return [];
    default:
      return topChart(title, values.top);
  }
}

function topChart(title: string, top: readonly TopValue[]): readonly Section[] {
  if (top.length < 2) return [];
  const rows = top.slice(0, MOST_VALUES).map(({ value, share }) => {
    return { label: clipped(value ?? "(hashed)", 18), value: share, low: null, high: null };
  });
  const chart = intervalChart({ title, x: { label: "share of the events" }, rows, reference: 0 });
  return [{ kind: "figure", chart }];
}
