import { DARK_VARIABLES } from "./svg/theme.ts";

/** The style of a report: system fonts, light or dark as the reader's system is, readable on a phone and in print. */
export const PAGE_CSS: string = `
:root { color-scheme: light dark; --ground: #f6f8fa; --card: #ffffff; --ink: #1f2328; --muted: #59636e; --rule: #d8dee4; --link: #0b62b8; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #0d1117; --card: #161b22; --ink: #e6edf3; --muted: #9da7b3; --rule: #30363d; --link: #6cb6ff; ${DARK_VARIABLES} }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, -apple-system, "Segoe UI", sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 40px 24px 80px; }
h1 { font-size: 30px; line-height: 1.2; margin: 0; letter-spacing: -0.01em; }
h2 { font-size: 21px; margin: 48px 0 12px; padding-top: 20px; border-top: 1px solid var(--rule); }
h3 { font-size: 17px; margin: 28px 0 8px; }
header p { color: var(--muted); margin: 6px 0 0; }
p { max-width: 72ch; margin: 10px 0; }
nav { display: flex; flex-wrap: wrap; gap: 4px 20px; margin-top: 20px; }
a { color: var(--link); }
.table { overflow-x: auto; margin: 16px 0; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
table { border-collapse: collapse; width: 100%; font-size: 14px; font-variant-numeric: tabular-nums; }
caption { text-align: left; padding: 12px 16px 8px; color: var(--muted); }
th, td { padding: 7px 10px; text-align: left; white-space: nowrap; border-top: 1px solid var(--rule); }
th { color: var(--muted); font-weight: 600; white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child { padding-left: 16px; }
td { vertical-align: top; }
.number { text-align: right; }
.sentence { white-space: normal; min-width: 240px; }
tbody tr:hover { background: var(--ground); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 16px; margin: 16px 0; }
figure { margin: 0; padding: 12px; background: var(--card); border: 1px solid var(--rule); border-radius: 8px; }
figure svg { display: block; margin: 0 auto; }
figcaption { color: var(--muted); font-size: 14px; padding: 4px 8px; }
@media (max-width: 640px) {
  .sentence { min-width: 0; }
  main { padding: 24px 12px 60px; }
  table, caption, tbody, tr { display: block; }
  thead { display: none; }
  tr { border-top: 1px solid var(--rule); padding: 6px 0; }
  td, td:first-child { display: flex; justify-content: space-between; gap: 16px; padding: 3px 14px; border: 0; white-space: normal; text-align: right; overflow-wrap: anywhere; }
  td::before { content: attr(data-label); color: var(--muted); text-align: left; overflow-wrap: normal; }
}
@media print { body { background: none; } main { padding: 0; } figure, .table { break-inside: avoid; } }
`;
