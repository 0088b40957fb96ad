/** The sample log with every click from a time on turned into none, and the other way round. */
export function turnClicks(log: string, fromMs: number): string {
  const [header = "", ...rows] = log.trimEnd().split("\n");
  const columns = header.split(",");
  const [time, clicked] = [columns.indexOf("time"), columns.indexOf("clicked")];
  const turned = rows.map((row) => {
    const cells = row.split(",");
    if (Date.parse(cells[time] ?? "") < fromMs) return row;
    return cells.map((cell, i) => (i === clicked ? String(1 - Number(cell)) : cell)).join(",");
  });
  return `${[header, ...turned].join("\n")}\n`;
}
