import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const packageSchema = z.object({ name: z.string(), version: z.string() });

/** The version of a package that is installed beside the plugin; null where it is not. */
export function installedVersion(name: string): string | null {
  const entry = entryFile(name);
  // Few packages export their package.json, so it is looked for above the entry file.
  for (let folder = entry; folder !== null && folder !== dirname(folder); folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    const found = existsSync(path) ? packageSchema.safeParse(JSON.parse(readFileSync(path, 'utf8'))) : null;
    if (found?.data?.name === name) return found.data.version;
  }
  return null;
}

function entryFile(name: string): string | null {
  try {
    return createRequire(import.meta.url).resolve(name);
  } catch {
    return null;
  }
}
