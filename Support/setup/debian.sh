# shellcheck shell=bash
# The packages of Debian and Ubuntu without which nothing builds.

any_exists() {
  local file
  for file in "$@"; do
    [[ -e $file ]] && return 0
  done
  return 1
}

missing_packages() {
  have make || echo make
  have git || echo git # SwiftPM fetches swift-argument-parser with it
  any_exists /usr/include/zlib.h /usr/include/*/zlib.h /usr/local/include/zlib.h || echo zlib1g-dev
  # LibTorch's headers include the C++ library's; g++ brings those of the compiler that is installed.
  any_exists /usr/include/c++/*/vector || echo g++
}

# The words that run a command as root, or failure where this user cannot.
as_root() {
  if [[ $(id -u) == 0 ]]; then
    echo env
  elif have sudo && sudo -n true 2>/dev/null; then
    echo "sudo -n"
  else
    return 1
  fi
}

install_packages() {
  local root log
  have apt-get || fail "Missing packages ($*), and there is no apt-get here: install what your" \
    "system calls them (zlib's headers, the C++ compiler's headers, make, git, pip), then run 'make setup' again."
  root=$(as_root) || fail "Missing packages ($*), and this user may not install any:" \
    "run 'sudo apt-get update && sudo apt-get install $*', then 'make setup' again."
  say "Installing $*"
  log=$(mktemp)
  # A fresh image has no package lists, a stale one has wrong ones: update first.
  # shellcheck disable=SC2086
  if ! { $root apt-get update && $root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1; then
    tail -n 5 "$log" >&2
    rm -f "$log"
    fail "apt-get could not install $*: run 'sudo apt-get update && sudo apt-get install $*'," \
      "then 'make setup' again."
  fi
  rm -f "$log"
}

ensure_packages() {
  local missing
  mapfile -t missing < <(missing_packages)
  if ((${#missing[@]})); then
    install_packages "${missing[@]}"
  fi
}
