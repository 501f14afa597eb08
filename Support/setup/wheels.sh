# shellcheck shell=bash disable=SC2154,SC2034 # shared with setup.sh
# Python wheels, used as archives: pip downloads them, nothing is installed, nothing of Python remains.

pip_command=()

# `pip download` is allowed where Debian marks Python as externally managed: it installs nothing.
ensure_pip() {
  ((${#pip_command[@]})) && return
  if ! python3 -m pip --version >/dev/null 2>&1; then
    if python3 -m venv "$1/pip" >/dev/null 2>&1; then
      pip_command=("$1/pip/bin/python3" -m pip)
      return
    fi
    install_packages python3 python3-pip
    hash -r
    python3 -m pip --version >/dev/null 2>&1 || fail "pip does not run:" \
      "run 'sudo apt-get install python3 python3-pip', then 'make setup' again."
  fi
  pip_command=(python3 -m pip)
}

# download_wheels FOLDER [--no-deps] REQUIREMENT...: the wheels lie in FOLDER afterwards.
download_wheels() {
  local folder=$1 log=$1/pip.log
  shift
  mkdir -p "$folder"
  ensure_pip "$folder"
  local options=(--disable-pip-version-check --no-cache-dir --only-binary=:all: --dest "$folder")
  if ! "${pip_command[@]}" download "${options[@]}" "$@" >"$log" 2>&1; then
    grep -i '^error' "$log" | tail -n 1 >&2
    return 1
  fi
  rm -f "$log"
}

# unpack_wheel WHEEL FOLDER PATTERN...
unpack_wheel() {
  python3 "$support/setup/wheel.py" unpack "$@" ||
    fail "$(basename "$1") could not be unpacked into $2: make space there, then run 'make setup' again."
}

# wheel_requirements FOLDER NAME
wheel_requirements() { python3 "$support/setup/wheel.py" requirements "$@"; }
