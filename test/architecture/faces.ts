import { type SourceFile, walk } from "./source.ts";

const isFace = (path: string): boolean => /^src\/([^/]+\/)?index\.ts$/.test(path);
/** What only tests load: they are no reason to promise something. */
const isForTests = (path: string): boolean => /\.test\.|\/testing\.ts$/.test(path);

/** How often each name occurs in a file. */
function namesOf({ program }: SourceFile): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  walk(program, (node) => {
    if (node.type === "Identifier") counts.set(node.name, (counts.get(node.name) ?? 0) + 1);
  });
  return counts;
}

/** Values that a face of the package exports, by name, and the file that each comes from. */
function promisesOf({ program, path, imports }: SourceFile): readonly { name: string; from: string | undefined }[] {
  const names: { name: string; from: string | undefined }[] = [];
  walk(program, (node) => {
    if (node.type !== "ExportNamedDeclaration" || node.source === null || node.exportKind === "type") return;
    const file = node.source.value.replace(/^.*\//, "");
    const from = imports.find((one) => one.path.endsWith(`/${file}`) && one.path !== path)?.path;
    for (const { local, exportKind } of node.specifiers) {
      if (exportKind !== "type" && local.type === "Identifier") names.push({ name: local.name, from });
    }
  });
  return names;
}

/** Values of the package's faces that nothing uses but tests: in their own file once is their declaration. */
export function unusedPromises(files: readonly SourceFile[]): string[] {
  const shipped = files.filter(({ path }) => !isFace(path) && !isForTests(path));
  const counts = new Map(shipped.map((file) => [file.path, namesOf(file)]));
  const isUsed = (name: string, from: string | undefined): boolean =>
    [...counts].some(([path, names]) => (names.get(name) ?? 0) > (path === from ? 1 : 0));
  return files
    .filter(({ path }) => isFace(path))
    .flatMap((face) =>
      promisesOf(face).flatMap(({ name, from }) => (isUsed(name, from) ? [] : [`${face.path} exports ${name}`])),
    );
}
