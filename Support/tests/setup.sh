#!/usr/bin/env bash
# shellcheck disable=SC2016 # snippets for another shell
# Set-up itself, tried in scratch folders with stand-ins for LibTorch, Swift and pip: no network, seconds.
set -uo pipefail

package=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset LIBTORCH AGINET_TORCH_VERSION
export AGINET_LIBTORCH_DIR=$scratch/libtorch AGINET_ATLAS_DIR=$scratch/atlas
failures=0

check() { # check WHAT COMMAND...
  local what=$1
  shift
  if ! "$@"; then
    printf 'failed: %s\n' "$what" >&2
    sed 's/^/  | /' "$scratch/out" "$scratch/err" >&2
    failures=$((failures + 1))
  fi
}

setup() { env "$@" bash "$package/Support/setup.sh" >"$scratch/out" 2>"$scratch/err"; }

# Sources the parts of set-up and runs a snippet, so that a function can be tried with others replaced.
part() {
  # shellcheck disable=SC2016
  support=$package/Support libtorch_folder=$scratch/libtorch bash -c '
    set -euo pipefail
    for part in messages access debian swift wheels cuda libtorch; do source "$support/setup/$part.sh"; done
    '"$1" >"$scratch/out" 2>"$scratch/err"
}

refused() { ! "$@"; }
one_error() { [[ $(grep -c '^error: ' "$scratch/err") == 1 ]] && grep -q -- "$1" "$scratch/err"; }
no_leftovers() { ! compgen -G "$scratch/libtorch/new.*" >/dev/null && ! compgen -G "$scratch/atlas.new.*" >/dev/null; }
recorded() { grep -qx "$1" "$scratch/libtorch/origin"; }

fake_libtorch() { # fake_libtorch FOLDER MINOR
  mkdir -p "$1"/lib "$1"/include/{ATen,torch/headeronly}
  touch "$1"/lib/libtorch_cpu.so "$1"/lib/libc10.so "$1"/include/ATen/ATen.h
  printf '#define TORCH_VERSION_%s\n' 'MAJOR 2' "MINOR $2" 'PATCH 0' >"$1"/include/torch/headeronly/version.h
}

fake_program() { # fake_program NAME BODY: first in the search path of $scratch/bin
  mkdir -p "$scratch/bin"
  printf '#!/bin/bash\n%s\n' "$2" >"$scratch/bin/$1"
  chmod +x "$scratch/bin/$1"
}

environment_is_obeyed() {
  fake_libtorch "$scratch/one" 13
  fake_libtorch "$scratch/two words" 12
  check "a folder in LIBTORCH is used" setup LIBTORCH="$scratch/one"
  check "its version is recorded" recorded version=2.13.0
  check "its source is recorded" recorded source=LIBTORCH
  check "its path is recorded" recorded "path=$scratch/one"
  check "lib leads there" test "$scratch/libtorch/lib/libc10.so" -ef "$scratch/one/lib/libc10.so"
  local before after
  before=$(stat -c '%i %Y' "$scratch/libtorch/"{origin,libtorch.pc,lib})
  check "set-up runs again" setup LIBTORCH="$scratch/one"
  after=$(stat -c '%i %Y' "$scratch/libtorch/"{origin,libtorch.pc,lib})
  check "and changes nothing" test "$before" == "$after"
  check "another folder is used" setup LIBTORCH="$scratch/two words"
  check "and recorded" recorded version=2.12.0
  check "lib leads to it" test "$scratch/libtorch/lib/libc10.so" -ef "$scratch/two words/lib/libc10.so"
}

wrong_folder_is_refused() {
  fake_libtorch "$scratch/broken" 13
  rm "$scratch/broken/lib/libc10.so"
  check "a folder without libc10.so is refused" refused setup LIBTORCH="$scratch/broken"
  check "in one sentence" one_error "LIBTORCH=$scratch/broken has no lib/libc10.so"
  check "a folder that is not there is refused" refused setup LIBTORCH="$scratch/nowhere"
  check "in one sentence" one_error "LIBTORCH=$scratch/nowhere has no lib/libtorch_cpu.so"
  check "what was in place stays" recorded version=2.12.0
}

interruption_counts_for_nothing() {
  rm "$scratch/libtorch/origin"
  mkdir -p "$scratch/libtorch/new.abc"
  check "set-up recovers without origin" setup LIBTORCH="$scratch/one"
  check "origin is back" recorded version=2.13.0
  check "what was half-downloaded is gone" no_leftovers
}

swift_is_checked() {
  fake_program swift 'echo "Swift version 5.10.1 (swift-5.10.1-RELEASE)"'
  check "an old Swift is refused" refused setup PATH="$scratch/bin:$PATH" LIBTORCH="$scratch/one"
  check "in one sentence" one_error "Swift 5.10.1 is too old: install Swift 6.2"
  fake_program swift 'exit 1'
  check "a broken Swift is refused" refused setup PATH="$scratch/bin:$PATH" LIBTORCH="$scratch/one"
  check "in one sentence" one_error "does not answer: install Swift 6.2"
  check "6.10 is later than 6.9, 6.1 is not later than 6.2" part \
    'at_least 6.10 6.9 && at_least 6.1 6.1 && ! at_least 6.1 6.2'
  rm "$scratch/bin/swift"
}

missing_packages_are_named() {
  local missing='missing_packages() { echo zlib1g-dev; echo git; }'
  check "without root, packages are refused" refused part "$missing; as_root() { return 1; }
    have() { true; }; ensure_packages"
  check "with the command that installs them" one_error "sudo apt-get install zlib1g-dev git'"
  check "without apt-get, packages are refused" refused part "$missing; have() { false; }; ensure_packages"
  check "with what to install" one_error "there is no apt-get here"
  check "with root, they are installed" part "$missing; have() { true; }; as_root() { echo record; }
    record() { echo \"\$*\" >>'$scratch/installed'; }; ensure_packages
    grep -q 'apt-get install .*zlib1g-dev git' '$scratch/installed'"
}

requirements_are_matched() {
  check "libraries are found in a list of packages" part '
    list="filelock
nvidia-cuda-runtime-cu12==12.8.90; platform_system == \"Linux\"
nvidia-cuda-cupti-cu12==12.8.91; platform_system == \"Linux\""
    [[ $(requirement_for libcudart.so.12 <<<"$list") == nvidia-cuda-runtime-cu12==12.8.90 ]]
    [[ $(requirement_for libcupti.so.12 <<<"$list") == nvidia-cuda-cupti-cu12==12.8.91 ]]
    ! requirement_for libnothing.so.1 <<<"$list"'
  check "and in the extras of one package" part '
    list="cuda-toolkit[cublas,cudart,cupti]==13.0.2; platform_system == \"Linux\"
nvidia-cudnn-cu13==9.20"
    [[ $(requirement_for libcudart.so.13 <<<"$list") == "cuda-toolkit[cudart]==13.0.2" ]]
    [[ $(requirement_for libcudnn.so.9 <<<"$list") == nvidia-cudnn-cu13==9.20 ]]'
}

# A Python whose pip hands out a wheel made here, or fails as it does without a network.
# What others could not read or enter, links followed: those who run the program follow them too.
closed() { find -L "$@" \( ! -perm -o+r -o -type d ! -perm -o+x \) -print -quit; }
open_to_others() { [[ -z $(closed "$@") ]]; }

# Most of this lies in folders that `mktemp -d` makes for their owner alone.
others_can_read_it() {
  check "others can read what lies in .libtorch" open_to_others "$scratch/libtorch"
  check "and the atlas" open_to_others "$AGINET_ATLAS_DIR"
}

wheels_are_unpacked() {
  local python
  python=$(command -v python3) || return 0
  fake_libtorch "$scratch/wheel/torch" 13
  touch "$scratch/wheel/torch/__init__.py"
  mkdir "$scratch/wheel/torch-2.13.0.dist-info"
  printf 'Name: torch\nRequires-Dist: filelock\n\n' >"$scratch/wheel/torch-2.13.0.dist-info/METADATA"
  (cd "$scratch/wheel" && "$python" -m zipfile -c "$scratch/torch-2.13.0-py3.whl" torch torch-*)
  fake_program python3 'case "$*" in
*" download "*torch==2.13.0*) while [[ $1 != --dest ]]; do shift; done; cp '"$scratch"'/torch-*.whl "$2" ;;
*" download "*) echo "ERROR: no network" >&2; exit 1 ;;
*) exec '"$python"' "$@" ;;
esac'
  local path=$scratch/bin:$PATH
  (umask 077 && setup PATH="$path" AGINET_TORCH_VERSION=2.13.0)
  check "a wheel is used" test $? == 0
  others_can_read_it
  chmod -R go-rwx "$scratch/libtorch/wheel-2.13.0" "$AGINET_ATLAS_DIR"
  check "what an earlier version left closed" refused open_to_others "$scratch/libtorch"
  check "is opened by running set-up again" setup PATH="$path" AGINET_TORCH_VERSION=2.13.0
  others_can_read_it
  check "and recorded" recorded source=wheel
  check "only what C++ needs of it" test ! -e "$scratch/libtorch/wheel-2.13.0/torch/__init__.py"
  check "another folder can be used meanwhile" setup PATH="$path" LIBTORCH="$scratch/one"
  rm "$scratch"/torch-*.whl
  check "the wheel is not downloaded twice" setup PATH="$path" AGINET_TORCH_VERSION=2.13.0
  check "a wheel that cannot be had is refused" refused setup PATH="$path" AGINET_TORCH_VERSION=2.99.0
  check "in one sentence" one_error "torch 2.99.0 could not be downloaded: connect"
  check "nothing half-done remains" no_leftovers
  check "what was in place stays" recorded version=2.13.0

  printf 'x' >>"$AGINET_ATLAS_DIR/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz"
  check "a damaged atlas is noticed" refused setup PATH="$path" LIBTORCH="$scratch/one"
  check "in one sentence" one_error "The atlas (nilearn==0.14.1) could not be downloaded: connect"
  check "and nothing half-done remains" no_leftovers
}

# A copy of the atlas that set-up fetched stands in for the download; of what a link leads to, lest that be changed.
cp -rL "$package/.atlas" "$AGINET_ATLAS_DIR" || exit 1
: >"$scratch/out" && : >"$scratch/err"
environment_is_obeyed
wrong_folder_is_refused
interruption_counts_for_nothing
swift_is_checked
missing_packages_are_named
requirements_are_matched
wheels_are_unpacked
if ((failures)); then
  printf '%d checks of set-up failed\n' "$failures" >&2
  exit 1
fi
echo "Set-up's own checks pass."
