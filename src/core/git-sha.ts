import { execFileSync } from 'node:child_process';

const known = new Map<string, string | null>();

/**
 * The commit of the repository that a folder lies in; null outside of one. Looked up once per folder, and in that
 * repository even in a git hook, whose environment names another one.
 */
export function gitSha(folder: string): string | null {
  const found = known.get(folder);
  if (found !== undefined) return found;
  const sha = readGitSha(folder);
  known.set(folder, sha);
  return sha;
}

function readGitSha(folder: string): string | null {
  const env = { ...process.env, GIT_DIR: undefined, GIT_WORK_TREE: undefined };
  try {
    return execFileSync('git', ['rev-parse', '--verify', 'HEAD'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
      encoding: 'utf8',
    }).trim();
  } catch {
    return null;
  }
}
