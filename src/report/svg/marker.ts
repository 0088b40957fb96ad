import { type Child, element, type Markup } from "../markup.ts";
import { seriesStyle } from "./theme.ts";

/** Outlines of nearly equal area around 0, by series: disc, square, diamond, triangles up and down, cross. */
const POLYGONS: readonly (readonly (readonly [number, number])[] | null)[] = [
  null,
  [
    [-0.9, -0.9],
    [0.9, -0.9],
    [0.9, 0.9],
    [-0.9, 0.9],
  ],
  [
    [0, -1.3],
    [1.3, 0],
    [0, 1.3],
    [-1.3, 0],
  ],
  [
    [0, -1.3],
    [1.2, 0.9],
    [-1.2, 0.9],
  ],
  [
    [0, 1.3],
    [1.2, -0.9],
    [-1.2, -0.9],
  ],
  [
    [-1.2, -0.7],
    [-0.7, -1.2],
    [0, -0.5],
    [0.7, -1.2],
    [1.2, -0.7],
    [0.5, 0],
    [1.2, 0.7],
    [0.7, 1.2],
    [0, 0.5],
    [-0.7, 1.2],
    [-1.2, 0.7],
    [-0.5, 0],
  ],
];

/** Place and size of a marker. @unit px */
export interface MarkerPlace {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
}

/** The mark of series number `style`, in its colour and its own shape; children such as a title go inside. */
export function marker(style: number, { x, y, radius }: MarkerPlace, ...children: readonly Child[]): Markup {
  const fill = `fill: ${seriesStyle(style).color}`;
  const polygon = POLYGONS[style % POLYGONS.length];
  if (!polygon) return element("circle", { cx: x, cy: y, r: radius, style: fill }, children);
  const points = polygon.map(([dx, dy]) => `${(x + dx * radius).toFixed(2)},${(y + dy * radius).toFixed(2)}`).join(" ");
  return element("polygon", { points, style: fill }, children);
}
