import { extname, relative, resolve, sep } from 'node:path';
import { isDynamicPattern } from 'tinyglobby';
import type { TestSpecification } from 'vitest/node';
import { configTag } from '../config/tags.ts';
import { thresholdsOfConfig } from '../config/thresholds-file.ts';
import { AssayError, sentenceOf } from '../core/errors.ts';
import { titleOf } from '../session/planned-claim.ts';
import type { PlannedClaim } from '../session/planned-claim.ts';
import type { SessionPlan } from '../session/plan.ts';
import type { SessionHost } from './session-host.ts';
import { paint } from './screen/paint.ts';
import { describeEdits, editsBetween } from './plan-edits.ts';
import { printLine } from './screen/print.ts';
import { dropUnselected } from './select/narrow-rerun.ts';

/** Editors write a file in several steps, and a checkout writes many. */
const SETTLE_MS = 100;

const CONFIG_FILES = new Set(['.yaml', '.yml']);
const FILE_EVENTS = ['add', 'change', 'unlink'] as const;

/**
 * Watches configs, the cluster file and suites. After an edit the plan is made anew, the claims of the edited configs
 * are registered again, and only what is another workload now is launched. An edit with a mistake is told, and what
 * was in force stays. Answers what ends the watch.
 */
export function watchPlan(host: SessionHost): () => void {
  const { vitest } = host;
  const { watcher } = vitest.vite;
  const edited = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let isOurPass = false;
  /** What was in force before the edits that a pass of Vitest's own took in: it need not have run what they concern. */
  let since: InForce | null = null;
  let passes: Promise<void> = Promise.resolve();
  let refreshes: Promise<unknown> = Promise.resolve();
  // One after the other: a pass that waits for one is under way when the next has its draft, and is waited for.
  const refreshNext = (files: readonly string[]): Promise<InForce | null> => {
    const refreshed = refreshes.then(() => refresh(host, files));
    refreshes = refreshed;
    return refreshed;
  };
  const replan = async (): Promise<void> => {
    await vitest.waitForTestRunEnd();
    const files = [...edited];
    edited.clear();
    const before = await refreshNext(files);
    if (before === null) return;
    const { specifications, isEdited } = whatConcerns(host, files, since ?? before);
    since = null;
    if (specifications.length === 0) return;
    isOurPass = true;
    await host.rerun(specifications, isEdited).finally(() => (isOurPass = false));
  };
  const onFile = (path: string): void => {
    if (!isOurs(path, host)) return;
    edited.add(path);
    clearTimeout(timer);
    timer = setTimeout(() => {
      passes = passes.then(replan).catch((thrown: unknown) => vitest.logger.error(thrown));
    }, SETTLE_MS);
  };
  // Run directories grow by thousands of files that nobody edits.
  watcher.unwatch(host.plan().artifacts);
  // Vite watches its root alone.
  watcher.add(placesOutside(host, vitest.vite.config.root));
  for (const event of FILE_EVENTS) watcher.on(event, onFile);
  // What Vitest runs again by itself, on a key or for an edited suite, is to be what the files say by now.
  vitest.onTestsRerun(async (specifications) => {
    if (isOurPass) return;
    const before = await refreshNext([]);
    if (before !== null && editsBetween(before.plan, host.plan()).testIds.size > 0) since ??= before;
    await dropUnselected(specifications);
  });
  return () => {
    clearTimeout(timer);
    for (const event of FILE_EVENTS) watcher.off(event, onFile);
  };
}

/** The files and folders outside of a folder that decide what is planned: where globs look, there new configs appear. */
function placesOutside(host: SessionHost, folder: string): string[] {
  const { root, configs } = host.options;
  const cluster = clusterFile(host);
  const searched = configs.filter((glob) => !glob.startsWith('!')).map((glob) => resolve(root, fixedPart(glob)));
  const places = [...searched, ...(cluster === null ? [] : [cluster])];
  // A config that is named as a file has its thresholds beside it.
  const beside = searched.filter((path) => path !== thresholdsOfConfig(path)).map(thresholdsOfConfig);
  return [...places, ...beside].filter((path) => path !== folder && !isIn(folder, path));
}

/** The folders of a glob before its first wildcard; all of it where there is none. */
function fixedPart(glob: string): string {
  const parts = glob.split('/');
  const first = parts.findIndex((part) => isDynamicPattern(part));
  return parts.slice(0, first === -1 ? parts.length : first).join('/');
}

/** Whether an edit is for us to act on: configs, the cluster file, and suites that Vitest has not loaded. */
function isOurs(path: string, host: SessionHost): boolean {
  if (isIn(host.plan().artifacts, path)) return false;
  if (CONFIG_FILES.has(extname(path)) || path === clusterFile(host)) return true;
  if (host.plan().configFiles.some((file) => resolve(host.options.root, file) === path)) return true;
  const isSuite = host.projects.some(({ folders }) => folders.some((folder) => isIn(folder, path)));
  return isSuite && host.vitest.getModuleSpecifications(path).length === 0;
}

function clusterFile({ options: { root, cluster } }: SessionHost): string | null {
  return cluster === null ? null : resolve(root, cluster);
}

function isIn(folder: string, path: string): boolean {
  return path.startsWith(folder + sep);
}

/** What is in force at one time. */
interface InForce {
  readonly plan: SessionPlan;
  /** The titles of the selected claims. */
  readonly titles: ReadonlySet<string>;
}

/**
 * Makes the plan anew and puts it in force; answers what was before. Tells what is wrong and answers null where that
 * cannot be done.
 */
async function refresh(host: SessionHost, files: readonly string[]): Promise<InForce | null> {
  try {
    const draft = await host.draft();
    // A pass that began meanwhile asks for the cells that it was given.
    await host.vitest.waitForTestRunEnd();
    const before = { plan: host.plan(), titles: new Set(host.selected().map(titleOf)) };
    host.commit(draft);
    return before;
  } catch (thrown) {
    tellMistake(host, files, thrown);
    return null;
  }
}

interface Concerned {
  readonly specifications: TestSpecification[];
  readonly isEdited: (claim: PlannedClaim) => boolean;
}

/** Tells what an edit did, and answers what is to run for it. */
function whatConcerns(host: SessionHost, files: readonly string[], { plan, titles }: InForce): Concerned {
  const edits = editsBetween(plan, host.plan());
  const isEdited = (claim: PlannedClaim): boolean =>
    edits.testIds.has(claim.planned.cell.workload.test_id) || !titles.has(titleOf(claim));
  const specifications = specificationsFor(host, isEdited);
  const said = describeEdits(edits);
  const isIdle = specifications.length === 0;
  const what = said === '' && isIdle ? 'nothing that concerns a selected claim' : said;
  tell(host, `${named(host, files)} edited${what === '' ? '' : ` · ${what}`}`);
  return { specifications, isEdited };
}

/** The suite files with such claims, each narrowed to their configs. */
function specificationsFor({ projects }: SessionHost, isEdited: (claim: PlannedClaim) => boolean): TestSpecification[] {
  return projects.flatMap(({ project, selected }) => {
    const tagsOfFile = new Map<string, Set<string>>();
    for (const claim of selected.filter(isEdited)) {
      const tags = tagsOfFile.get(claim.claim.file) ?? new Set<string>();
      tags.add(configTag(claim.planned.cell.workload.test_id).name);
      tagsOfFile.set(claim.claim.file, tags);
    }
    return [...tagsOfFile].map(([file, tags]) =>
      project.createSpecification(file, { testTagsFilter: [[...tags].join(' or ')] }),
    );
  });
}

function tellMistake(host: SessionHost, files: readonly string[], thrown: unknown): void {
  // Whatever a suite throws when it is loaded is the user's, too.
  const text = thrown instanceof AssayError || !(thrown instanceof Error) ? sentenceOf(thrown) : (thrown.stack ?? '');
  tell(host, `${named(host, files)} edited`);
  for (const line of text.split('\n')) printLine(host.vitest, ` ${paint('red', line)}`);
  const next = 'nothing was launched, and what was in force stays - correct it and save, the watch goes on';
  printLine(host.vitest, ` ${paint('dim', next)}`);
}

function tell({ vitest }: SessionHost, text: string): void {
  printLine(vitest, ` ${paint('bold', 'assay')}  ${text}`);
}

const FILES_NAMED = 3;

function named({ options: { root } }: SessionHost, files: readonly string[]): string {
  if (files.length === 0) return 'files';
  const names = files.slice(0, FILES_NAMED).map((file) => relative(root, file));
  const more = files.length - FILES_NAMED;
  return more > 0 ? `${names.join(', ')} and ${more} more` : names.join(', ');
}
