# shellcheck shell=bash disable=SC2154,SC2034 # shared with setup.sh
# Swift 6.2 or later; set-up does not install a compiler behind anybody's back.

readonly oldest_swift=6.2
readonly swift_advice="install Swift $oldest_swift or later as swift.org/install says, then run 'make setup' again."

at_least() { [[ $(printf '%s\n' "$1" "$2" | sort -V | head -n 1) == "$2" ]]; }

ensure_swift() {
  local program version stamp=$libtorch_folder/swift
  program=$(command -v swift) || fail "There is no Swift here: $swift_advice"
  # Asking the compiler takes a third of a second, so the answer is kept until the compiler changes.
  if [[ -e $stamp && $stamp -nt $program && $(<"$stamp") == "$program "* ]]; then
    return
  fi
  version=$(swift --version 2>/dev/null | sed -n 's/.*Swift version \([0-9.]*\).*/\1/p' | head -n 1) || true
  [[ -n $version ]] || fail "'swift --version' does not answer: $swift_advice"
  at_least "$version" "$oldest_swift" || fail "Swift $version is too old: $swift_advice"
  { mkdir -p "$libtorch_folder" && echo "$program $version" >"$stamp"; } 2>/dev/null || true
}
