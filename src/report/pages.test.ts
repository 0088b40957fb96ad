import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { htmlPage } from "./html.ts";
import { element, escapeText, type Markup } from "./markup.ts";
import { calibrationPlot } from "./svg/calibration-plot.ts";
import { intervalChart } from "./svg/interval-chart.ts";
import { lineChart } from "./svg/line-chart.ts";
import { formatTick, logMarks, niceTicks, scaleOf } from "./svg/scale.ts";
import { scatterChart } from "./svg/scatter-chart.ts";

const HOSTILE = `</script><b a="1" c='2'>&amp;\u0000`;

/** Checks that tags nest and close and that attributes are quoted; returns the names of the elements. */
function elementsOf(source: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const rest = source.replace(/<(\/?)([a-z][a-z0-9]*)((?: [a-z][A-Za-z0-9-]*="[^"<>]*")*)>/g, (_, close, name) => {
    if (close) expect(open.pop()).toBe(name);
    else {
      names.push(name);
      if (name !== "meta") open.push(name);
    }
    return "";
  });
  expect(open).toEqual([]);
  expect(rest.replace("<!doctype html>", "")).not.toMatch(/[<]/);
  return names;
}
const count = (chart: Markup, name: string): number => elementsOf(chart.source).filter((n) => n === name).length;

/** No coordinate may be NaN: browsers drop such an element without a word. */
function expectDrawable(chart: Markup): void {
  elementsOf(chart.source);
  expect(chart.source.replace(/<title>.*?<\/title>|<text[^>]*>.*?<\/text>/g, "")).not.toMatch(/NaN|Infinity|undefined/);
}

const wild = fc.oneof(fc.double(), fc.integer({ min: -5, max: 5 }), fc.constantFrom(0, 1e-300, 1e300));
const scale = fc.constantFrom("linear" as const, "log" as const);

describe("markup", () => {
  it("escapes text and attributes, and can be undone", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme-ascii" }), (text) => {
        const escaped = escapeText(text);
        expect(escaped).not.toMatch(/[<>"']/);
        const entities: Record<string, string> = { amp: "&", lt: "<", gt: ">", quot: '"', "#39": "'" };
        expect(escaped.replace(/&([a-z#0-9]+);/g, (_, name: string) => entities[name] ?? "?")).toBe(text);
        elementsOf(element("p", { title: text }, text).source);
      }),
    );
  });
  it("keeps markup, leaves null out and rounds coordinates", () => {
    const actual = element("g", { x: 1 / 3, y: null }, element("b", {}, 1), null, ["<", ["&"]]);
    expect(String(actual)).toBe('<g x="0.33"><b>1</b>&lt;&amp;</g>');
  });
});

describe("scale", () => {
  it("has ticks that cover the domain evenly and are not many", () => {
    fc.assert(
      fc.property(
        fc.double({ min: -1e6, max: 1e6, noNaN: true }),
        fc.double({ min: 1e-3, max: 1e6, noNaN: true }),
        (low, span) => {
          const ticks = niceTicks([low, low + span], 5);
          expect(ticks[0]).toBeLessThanOrEqual(low + span * 1e-6);
          expect(ticks.at(-1)).toBeGreaterThanOrEqual(low + span * (1 - 1e-6));
          expect(ticks.length).toBeGreaterThanOrEqual(2);
          expect(ticks.length).toBeLessThanOrEqual(8);
        },
      ),
    );
  });
  it.each([
    [
      [0, 1],
      [0, 0.2, 0.4, 0.6, 0.8, 1],
    ],
    [
      [0.1, 0.32],
      [0.1, 0.15, 0.2, 0.25, 0.3, 0.35],
    ],
    [
      [-3, 12],
      [-5, 0, 5, 10, 15],
    ],
    [
      [0, 0],
      [-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6],
    ],
  ] as const)("of %j has the ticks a person would choose", (domain, ticks) => {
    expect(niceTicks(domain, 5).map((tick) => tick + 0)).toEqual(ticks);
  });
  it("has 1, 2 and 5 times powers of ten on a log axis", () => {
    expect(logMarks([1, 10])).toEqual([1, 2, 5, 10]);
    expect(logMarks([0.003, 0.04])).toEqual([0.002, 0.005, 0.01, 0.02, 0.05]);
    expect(logMarks([5, 5])).toEqual([5, 10]);
    expect(scaleOf([1, 1e6], { kind: "log", range: [0, 1] }).ticks).toEqual([1, 10, 100, 1e3, 1e4, 1e5, 1e6]);
    expect(scaleOf([1e-300, 1e300], { kind: "log", range: [0, 1] }).ticks.length).toBeLessThan(10);
  });
  it("puts every finite value inside the range, in order", () => {
    fc.assert(
      fc.property(fc.array(wild, { minLength: 1 }), scale, (values, kind) => {
        const { at } = scaleOf(values, { kind, range: [10, 90] });
        const shown = values.filter(
          (v) => Number.isFinite(v) && Math.abs(v) < 1e299 && (kind === "linear" || v > 1e-299),
        );
        for (const v of shown) {
          expect(at(v)).toBeGreaterThanOrEqual(10 - 1e-6);
          expect(at(v)).toBeLessThanOrEqual(90 + 1e-6);
        }
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY]) expect(at(bad)).toBeNaN();
      }),
    );
  });
  it("writes ticks shortly", () => {
    const texts = [0, 0.3, -0.5, 12_000, 123_456.5, 1e6, 2e-5, -1e-7].map(formatTick);
    expect(texts).toEqual(["0", "0.3", "−0.5", "12\u202f000", "123\u202f456.5", "1e6", "2e−5", "−1e−7"]);
  });
});

describe("charts", () => {
  const axis = { label: HOSTILE, unit: "<u>" };
  const line = (points: readonly { x: number; y: number }[], kind: "linear" | "log" = "linear"): Markup =>
    lineChart({ title: HOSTILE, x: { ...axis, scale: kind }, y: axis, series: [{ name: HOSTILE, points }] });

  it("draw whatever numbers they are given, and escape every text", () => {
    const point = fc.record({ prediction: wild, observed: wild, low: wild, high: wild });
    const row = fc.record({ label: fc.string(), value: fc.option(wild), low: fc.option(wild), high: fc.option(wild) });
    fc.assert(
      fc.property(fc.array(fc.record({ x: wild, y: wild })), fc.array(point), fc.array(row), (points, bins, rows) => {
        for (const kind of ["linear", "log"] as const) {
          expectDrawable(line(points, kind));
          expectDrawable(calibrationPlot({ title: HOSTILE, series: [{ name: HOSTILE, points: bins }], scale: kind }));
          expectDrawable(intervalChart({ title: HOSTILE, x: { ...axis, scale: kind }, rows, reference: 0 }));
          const series = [{ name: HOSTILE, points: points.map((p) => ({ ...p, label: HOSTILE })), line: points }];
          expectDrawable(scatterChart({ title: HOSTILE, x: { ...axis, scale: kind }, y: axis, series, zeros: true }));
        }
      }),
    );
  });
  it("say so when there are no data", () => {
    const charts = [
      line([]),
      line([{ x: 1, y: Number.NaN }]),
      lineChart({ title: "t", x: axis, y: axis, series: [] }),
      calibrationPlot({ title: "t", series: [] }),
      intervalChart({ title: "t", x: axis, rows: [] }),
      scatterChart({ title: "t", x: axis, y: axis, series: [] }),
    ];
    for (const chart of charts) expect(chart.source).toContain("no data");
  });
  it("name no series without points in the legend of curves", () => {
    const named = (name: string, points: readonly { readonly x: number; readonly y: number }[]) => ({ name, points });
    const chart = lineChart({
      title: "t",
      x: axis,
      y: axis,
      series: [named("none", []), named("some", [{ x: 1, y: 2 }])],
    });
    expect(chart.source).toContain(">some<");
    expect(chart.source).not.toContain(">none<");
  });
  it("draw a scatter's points, labels, lines and zeros", () => {
    const series = [
      {
        name: "a",
        points: [
          { x: 1, y: 2, label: "first" },
          { x: 2, y: Number.NaN },
        ],
        line: [
          { x: 1, y: 1 },
          { x: 3, y: 2 },
        ],
      },
      { name: "b", points: [{ x: 2, y: 3 }] },
    ];
    const drawn = (zeros: boolean) => scatterChart({ title: "t", x: { label: "x" }, y: { label: "y" }, series, zeros });
    // A circle and a square, and one of each in the legend.
    expect([count(drawn(false), "circle"), count(drawn(false), "polygon"), count(drawn(false), "polyline")]).toEqual([
      2, 2, 1,
    ]);
    expect(drawn(false).source).toContain(">first</text>");
    expect(drawn(false).source).not.toContain("4 4");
    expect(drawn(true).source).toContain("4 4");
  });
  it("draw one point as a dot", () => {
    expect(line([{ x: 3, y: 4 }]).source.match(/<circle[^>]*><title>/g)).toHaveLength(1);
    expect(count(line([{ x: 3, y: 4 }]), "polyline")).toBe(0);
  });
  it("interrupt a curve at a NaN and mark a piece of one point", () => {
    const points = Array.from({ length: 40 }, (_, x) => ({ x, y: x === 10 || x === 12 ? Number.NaN : x }));
    expect(count(line(points), "polyline")).toBe(2);
    expect(count(line(points), "circle")).toBe(1);
  });
  it("name axes with units, series and themselves", () => {
    const x = { label: "step" };
    const chart = lineChart({
      title: "Loss",
      x,
      y: { label: "loss", unit: "nats" },
      series: [{ name: "ours", points: [] }],
    });
    for (const text of [">Loss<", ">step<", ">loss (nats)<", ">ours<"]) expect(chart.source).toContain(text);
  });
  it("give each series of a line chart its own colour and dashes", () => {
    const series = ["a", "b", "c"].map((name) => ({
      name,
      points: [
        { x: 0, y: 0 },
        { x: 1, y: 1 },
      ],
    }));
    const { source } = lineChart({ title: "t", x: axis, y: axis, series });
    const styles = [...source.matchAll(/<polyline[^>]*stroke: ([^;]*);[^>]*dasharray: ([^;]*);/g)].map((m) => [
      m[1],
      m[2],
    ]);
    expect(new Set(styles.map(String)).size).toBe(3);
  });
  it("mark each of six series by a shape of its own", () => {
    const series = Array.from({ length: 6 }, (_, i) => ({ name: `${i}`, points: [{ x: 0, y: 0 }] }));
    const { source } = lineChart({ title: "t", x: axis, y: axis, series });
    const shapes = [...source.matchAll(/<(?:circle|polygon)[^>]*>(?=<title>)/g)].map(([mark]) =>
      mark.replace(/style="[^"]*"/, ""),
    );
    expect(shapes).toHaveLength(6);
    expect(new Set(shapes).size).toBe(6);
  });
  it("keep a bin whose interval reaches 0 on a log scale and drop one that has no place", () => {
    const points = [
      { prediction: 0.01, observed: 0.02, low: 0, high: 0.05 },
      { prediction: 0.1, observed: 0, low: 0, high: 0.2 },
    ];
    const { source } = calibrationPlot({ title: "t", scale: "log", series: [{ name: "m", points }] });
    expect(source.match(/<circle[^>]*><title>/g)).toHaveLength(1);
  });
  it("take a curve of more points than a call takes arguments", () => {
    const points = Array.from({ length: 200_000 }, (_, x) => ({ x, y: x }));
    expect(count(line(points), "polyline")).toBe(1);
  });
});

describe("htmlPage", () => {
  const chart = lineChart({ title: "t", x: { label: "x" }, y: { label: "y" }, series: [] });
  const page = htmlPage({
    title: HOSTILE,
    subtitle: HOSTILE,
    sections: [
      { kind: "heading", text: HOSTILE },
      { kind: "heading", text: "second" },
      { kind: "heading", text: "third" },
      { kind: "heading", text: "minor", level: 3 },
      { kind: "paragraph", text: HOSTILE },
      { kind: "figure", chart, caption: HOSTILE },
      { kind: "figure", chart },
      {
        kind: "table",
        caption: HOSTILE,
        columns: [{ label: HOSTILE }, { label: "n", digits: 2 }, { label: "raw" }],
        rows: [
          [HOSTILE, -1234567.891, null],
          ["-b", Number.NaN, -1e-9],
        ],
      },
      { kind: "table", caption: "empty", columns: [{ label: "a" }], rows: [] },
    ],
  });

  it("is well-formed with hostile texts", () => {
    const names = elementsOf(page);
    expect(names.filter((name) => ["script", "b", "link", "img", "iframe"].includes(name))).toEqual([]);
    expect(names.filter((name) => name === "svg")).toHaveLength(2);
  });
  it("loads nothing from elsewhere", () => {
    const addresses = page.replaceAll('xmlns="http://www.w3.org/2000/svg"', "");
    expect(addresses).not.toMatch(/https?:|src=|url\(|@import/);
  });
  it("links its headings of the second level", () => {
    for (const [, id] of page.matchAll(/href="#(s\d+)"/g)) expect(page).toContain(`<h2 id="${id}"`);
    expect(page.match(/href=/g)).toHaveLength(3);
  });
  it("writes numbers with the column's digits, a minus sign and groups, and a dash for none", () => {
    const cells = page.replaceAll(/ data-label="[^"]*"/g, "");
    expect(cells).toContain('<td class="number">−1\u202f234\u202f567.89</td><td class="number">–</td>');
    expect(cells).toContain('<td>-b</td><td class="number">–</td><td class="number">−1e−9</td>');
    // Where a page is narrow, each cell stands beside the name of its column.
    expect(page).toContain('<td class="number" data-label="n">');
    expect(page).toContain("no rows");
  });
  it("aligns shares, estimates and columns of dashes as numbers", () => {
    const columns = [
      { label: "rate" },
      { label: "distinct" },
      { label: "gAUC", digits: 4 },
      { label: "mixed" },
      { label: "day" },
    ];
    const rows = [
      ["14.6%", "≈ 4,086", null, "3%", "2025-03-01"],
      [null, "12", null, "no", null],
    ];
    const aligned = htmlPage({ title: "t", sections: [{ kind: "table", caption: "c", columns, rows }] });
    const classes = [...aligned.matchAll(/<th scope="col"( class="number")?>(\w+)/g)].map(([, own, name]) => [
      name,
      own !== undefined,
    ]);
    expect(Object.fromEntries(classes)).toEqual({ rate: true, distinct: true, gAUC: true, mixed: false, day: false });
  });
  it("puts figures that follow each other into one row", () => {
    expect(page.match(/class="figures"/g)).toHaveLength(1);
  });
  it("is a page without sections too", () => {
    expect(elementsOf(htmlPage({ title: "t", sections: [] }))).toContain("h1");
  });
});
