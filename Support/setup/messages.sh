# shellcheck shell=bash
# How set-up speaks: what it does on standard output, what is wrong on standard error.

say() { printf '%s\n' "$*"; }

warn() { printf 'warning: %s\n' "$*" >&2; }

# One sentence: what is missing and what to do instead.
fail() {
  printf 'error: %s\n' "$*" >&2
  exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }
