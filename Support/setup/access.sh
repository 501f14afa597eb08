# shellcheck shell=bash disable=SC2154 # shared with setup.sh
# Set-up by one user (root, often) serves all: `mktemp -d` makes folders for their owner alone, and so did earlier
# versions of this set-up leave them.

# What others cannot read, or folders they cannot enter; links are as open as what they lead to.
closed_to_others() {
  find "$@" \( -type f ! -perm -o+r -o -type d ! -perm -o+rx \) -print -quit 2>/dev/null
}

readable_by_all() { chmod -R a+rX "$@"; }

# Mends what is in place already. Only the owner can, and needs to: for anybody else it would not have loaded.
open_to_all() {
  local folder
  for folder in "$libtorch_folder" "$atlas_folder"; do
    [[ -n $(closed_to_others "$folder") ]] || continue
    readable_by_all "$folder" 2>/dev/null || warn "$folder cannot be read by other users: run 'chmod -R a+rX $folder'" \
      "as its owner."
  done
}
