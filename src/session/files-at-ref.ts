import { mkdtemp, rm } from 'node:fs/promises';
import { devNull, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { AssayError } from '../core/errors.ts';

/** A commit, and the folder that is looked at in it. */
export interface FolderAtRef {
  /** Anything git takes for a commit: `HEAD~1`, `origin/main`, a sha. */
  readonly ref: string;
  /** Absolute path of the top of the work tree, links resolved. */
  readonly top: string;
  /** The folder below the top; empty for the top itself. */
  readonly folder: string;
  /** Whether the clone lacks the older commits. */
  readonly isShallow: boolean;
}

/**
 * Finds the repository around a folder. It is the one that the folder lies in, even in a git hook, whose
 * environment names another index or work tree.
 *
 * @throws AssayError USAGE when there is no git or no repository.
 */
export async function findRepository(ref: string, root: string): Promise<FolderAtRef> {
  const answer = await git(['rev-parse', '--show-toplevel', '--show-prefix', '--is-shallow-repository'], {
    ref,
    cwd: root,
    hint: `run it in the git repository of the configs; ${root} must be inside of its work tree`,
  });
  const [top = '', folder = '', isShallow] = answer.split('\n');
  return { ref, top, folder, isShallow: isShallow === 'true' };
}

/**
 * Lays out the YAML files of a commit in a temporary folder and hands that to `use`; it is gone when this
 * returns. The user's index and work tree are not touched.
 *
 * @throws AssayError USAGE for a ref that names no commit.
 */
export async function withYamlAtRef<Result>(at: FolderAtRef, use: (top: string) => Result): Promise<Result> {
  const temporary = await mkdtemp(join(tmpdir(), 'assay-diff-'));
  try {
    const files = join(temporary, 'files');
    await restoreYaml(at, { index: join(temporary, 'index'), files });
    return use(files);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function restoreYaml(
  { ref, top, isShallow }: FolderAtRef,
  { index, files }: { readonly index: string; readonly files: string },
): Promise<void> {
  const hint = isShallow
    ? 'this clone lacks the older commits: `git fetch --unshallow`, in CI a checkout with full depth'
    : 'name a commit, a branch or a tag; `git log --oneline` lists the commits';
  const call = { ref, cwd: top, index, hint };
  await git(['read-tree', '--end-of-options', ref], call);
  const input = await git(['ls-files', '-z', '--', '*.yaml', '*.yml'], call);
  await git(['checkout-index', '-z', '--stdin', `--prefix=${files}/`], { ...call, input });
}

interface GitCall {
  readonly ref: string;
  readonly cwd: string;
  /** What to do when git refuses. */
  readonly hint: string;
  /** A file to use as the index, instead of the user's. */
  readonly index?: string;
  readonly input?: string;
}

async function git(args: readonly string[], { ref, cwd, hint, index, input = '' }: GitCall): Promise<string> {
  const env = {
    GIT_DIR: undefined,
    GIT_WORK_TREE: undefined,
    GIT_PREFIX: undefined,
    GIT_INDEX_FILE: index,
    LC_ALL: 'C',
  };
  // Even with an index of its own, git would run what the user's repository has for reading and writing one.
  const all = ['-c', 'core.fsmonitor=false', '-c', `core.hooksPath=${devNull}`, ...args];
  const { failed, code, stdout, stderr } = await execa('git', all, { cwd, env, input, reject: false });
  if (!failed) return stdout;
  if (code === 'ENOENT') {
    throw new AssayError('USAGE', `--diff ${ref}: there is no git on this machine`, {
      hint: 'install git, or leave --diff out',
    });
  }
  // Of a work tree of another user, as in a CI container, git itself says best what to do.
  const [advice = hint] = /git config --global --add safe\.directory .*/.exec(stderr) ?? [];
  throw new AssayError('USAGE', `--diff ${ref}: ${sentenceOf(stderr)} (in ${cwd})`, { hint: advice });
}

/** The first line that git prints about a failure, without its prefix. */
function sentenceOf(stderr: string): string {
  const line = stderr.split('\n').find((text) => /^(fatal|error): /.test(text)) ?? stderr.trim();
  return line.replace(/^\w+: /, '');
}
