# shellcheck shell=bash
# For the scripts beside it: a copy of the fixture workspace, and folders that are the test's own, so that nothing of the
# user's is read and nothing stays behind. TAGOUT: the binary; KEEP=1 keeps the copy. Sets `work` and `here`.
: "${TAGOUT:?set it to the tagout binary, or use ./test editor}"
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
TAGOUT=$(realpath "$TAGOUT")
work=$(mktemp -d)
leave() {
  if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap leave EXIT

cp -R "$here/../../fixtures/workspace" "$work/workspace"
mkdir -p "$work"/{home,state,data,config,cache,run}
chmod 700 "$work/run"
unset TAGOUT_CACHE_DIR TAGOUT_STATE_DIR TAGOUT_CONFIG_DIR TAGOUT_DATA_DIR
export TAGOUT LANG=C.UTF-8 HOME="$work/home" XDG_STATE_HOME="$work/state" XDG_DATA_HOME="$work/data" \
  XDG_CONFIG_HOME="$work/config" XDG_CACHE_HOME="$work/cache" XDG_RUNTIME_DIR="$work/run" WORKSPACE="$work/workspace"
