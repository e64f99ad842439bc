import { AssayError, messageOf } from '../core/errors.ts';
import { MANIFEST_VERSION, manifestSchema } from './manifest.ts';
import type { Manifest } from './manifest.ts';

/**
 * A manifest from its text. What an older version left out has its default; what a newer minor version added is left out.
 *
 * @throws AssayError EVIDENCE_DAMAGED, naming its path, for a text that is no manifest or one of another major version.
 */
export function parseManifest(text: string, path: string): Manifest {
  const json = parseJson(text, path);
  const version = versionOf((json as { schema_version?: unknown } | null)?.schema_version);
  if (version === null) throw damaged(path, 'is not a manifest (it has no schema_version)');
  if (version.major !== OUR_MAJOR) throw otherMajor(path, version);
  const { data, error } = isNewer(version) ? readWhatIsKnown(json) : manifestSchema.safeParse(json);
  if (data !== undefined) return data;
  const [first] = error.issues;
  const what = `is not a manifest (${first?.path.join('.') ?? ''}: ${first?.message ?? ''})`;
  if (!isNewer(version)) throw damaged(path, what, error);
  throw new AssayError('EVIDENCE_DAMAGED', `${path} ${what}; it has schema_version ${version.text}, ${READS}`, {
    hint: NEWER_HINT,
    cause: error,
  });
}

/**
 * Refuses to change a run that a newer version wrote.
 *
 * @throws AssayError EVIDENCE_UNWRITABLE, naming both versions.
 */
export function requireRewritable(folder: string, manifest: Pick<Manifest, 'schema_version'>): void {
  const { schema_version: theirs } = manifest;
  const version = versionOf(theirs);
  if (version !== null && !isNewer(version)) return;
  const message = `the run in ${folder} has schema_version ${theirs}, this vitest-assay writes ${MANIFEST_VERSION}: what it does not know would be lost`;
  throw new AssayError('EVIDENCE_UNWRITABLE', message, { hint: NEWER_HINT });
}

interface Version {
  readonly text: string;
  readonly major: number;
  readonly minor: number;
}

function versionOf(text: unknown): Version | null {
  const parts = typeof text === 'string' ? /^(\d+)\.(\d+)$/.exec(text) : null;
  return parts === null ? null : { text: parts[0], major: Number(parts[1]), minor: Number(parts[2]) };
}

const [OUR_MAJOR = 0, OUR_MINOR = 0] = MANIFEST_VERSION.split('.').map(Number);

const READS = `this vitest-assay knows ${MANIFEST_VERSION} and reads every ${OUR_MAJOR}.x`;

const NEWER_HINT = 'update vitest-assay: npm install vitest-assay@latest';

function isNewer({ minor }: Version): boolean {
  return minor > OUR_MINOR;
}

function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw damaged(path, `is no JSON (${messageOf(cause)})`, cause);
  }
}

type Parsed = ReturnType<typeof manifestSchema.safeParse>;

/** Reads a manifest without the fields that nobody here knows, at any depth. */
function readWhatIsKnown(json: unknown): Parsed {
  const known = structuredClone(json);
  for (;;) {
    const parsed = manifestSchema.safeParse(known);
    const places = (parsed.error?.issues ?? []).flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys.map((key) => [...issue.path, key]) : [],
    );
    if (places.length === 0) return parsed;
    for (const place of places) removeAt(known, place);
  }
}

function removeAt(data: unknown, [first = '', ...rest]: readonly PropertyKey[]): void {
  const holder = data as Record<PropertyKey, unknown>;
  if (rest.length === 0) delete holder[first];
  else removeAt(holder[first], rest);
}

function otherMajor(path: string, { text, major }: Version): AssayError {
  const hint =
    major > OUR_MAJOR ? NEWER_HINT : 'read it with the version of vitest-assay that wrote it (`tool.version` in it)';
  return new AssayError('EVIDENCE_DAMAGED', `${path} has schema_version ${text}, ${READS}`, { hint });
}

function damaged(path: string, what: string, cause?: unknown): AssayError {
  return new AssayError('EVIDENCE_DAMAGED', `${path} ${what}`, {
    hint: 'the run can no longer be judged: restore the file, or run the cell again',
    cause,
  });
}
