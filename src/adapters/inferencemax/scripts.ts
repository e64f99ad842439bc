// Their words: the folder of the repository, what to clone into it (empty: it is there) and at which ref, then their own.
const ENTER = `set -eu
home=$1 repo=$2 ref=$3
shift 3
if [ -n "$repo" ] && [ ! -e "$home" ]; then
  git clone --quiet -- "$repo" "$home.part"
  if [ -n "$ref" ]; then git -C "$home.part" checkout --quiet --detach "$ref"; fi
  mv "$home.part" "$home"
  echo "InferenceX commit $(git -C "$home" rev-parse HEAD)"
fi
`;

// A recipe that the repository does not have may be a program of the host, found by its name.
const FIND = `recipe=$1
shift
at=
if cd "$home" 2>/dev/null; then
  for folder in "$@"; do
    if [ -z "$at" ] && [ -f "$folder/$recipe" ]; then at=$folder/$recipe; fi
  done
fi
if [ -z "$at" ]; then at=$(command -v "$recipe" || true); fi
if [ -z "$at" ]; then
  echo "no recipe $recipe: looked into $* of $home, and the PATH" >&2
  exit 66
fi
if [ -x "$at" ]; then set -- "$at"; else set -- bash "$at"; fi
`;

/** Becomes a recipe that serves; its words: the recipe, the folders it may be in. */
export const RECIPE_SCRIPT = `${ENTER}${FIND}exec "$@"
`;

const LEFT = ['/workspace', '$home']
  .flatMap((folder) => [`"${folder}/$RESULT_FILENAME.json"`, `"${folder}/agg_$RESULT_FILENAME.json"`])
  .join(' ');

/**
 * Runs a recipe that sends the load itself, then brings what it left, in its own folder or in that of InferenceX's
 * container, to the folder that is its first word. What lies there before is of another run, and goes first.
 */
export const LOADING_RECIPE_SCRIPT = `${ENTER}results=$1
shift
${FIND}for left in ${LEFT}; do
  if [ -e "$left" ]; then rm -f "$left"; fi
done
status=0
"$@" || status=$?
for left in ${LEFT}; do
  if [ -f "$left" ]; then cp "$left" "$results/"; fi
done
exit "$status"
`;

/** Becomes the load client; its words: the client's file, its flags. */
export const CLIENT_SCRIPT = `${ENTER}exec python3 "$@"
`;
