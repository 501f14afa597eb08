#!/usr/bin/env bash
# Puts beside the sources what a build needs and a clone does not have: Debian packages, LibTorch in
# .libtorch, the anatomical atlas in .atlas. Run it as often as you like: where everything is in place it
# changes nothing. `make setup` runs it; setup/libtorch.sh says what it leaves behind.
set -euo pipefail

support=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
package=$(dirname "$support")
# A scratch folder may stand in for the real ones, so that a version can be tried beside a working build.
# shellcheck disable=SC2034 # the parts use them
libtorch_folder=${AGINET_LIBTORCH_DIR:-$package/.libtorch}
# shellcheck disable=SC2034
atlas_folder=${AGINET_ATLAS_DIR:-$package/.atlas}

# What one user sets up serves all, whatever that user's umask.
umask 022

for part in messages access debian swift wheels cuda libtorch atlas; do
  # shellcheck source=/dev/null
  source "$support/setup/$part.sh"
done

# A folder under construction goes with us, whether we fail or are interrupted.
unfinished=""
trap 'rm -rf ${unfinished:+"$unfinished"}' EXIT

# Two set-ups in one clone (two terminals) take turns.
one_at_a_time() {
  have flock || return 0
  exec 9>"$libtorch_folder/lock"
  flock 9
}

main() {
  ensure_packages
  ensure_swift
  ensure_libtorch
  ensure_atlas
  open_to_all
  say "LibTorch $(origin version) ($(origin source): $(origin path)) and the atlas are in place."
}

main "$@"
