# shellcheck shell=bash disable=SC2154,SC2034 # shared with setup.sh
# The anatomical atlas: three maps that nilearn's wheel carries, checked by their SHA-256.

readonly atlas_wheel=nilearn==0.14.1
readonly atlas_sums="\
421a10e872fd6cadae7f61d358dffbcc1795a497d61ee76c5dda2503e1a1e9e6  mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz
97a5ca69bd24db37a9cb7b32525e1733a209af904129bf1cd36da06d24243bed  mni_icbm152_gm_tal_nlin_sym_09a_converted.nii.gz
382d92812de4744f9c86c7a0e4f680dc317a0a50e4da1f0153618a6798c7b7db  mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz"

atlas_is_whole() {
  [[ -e $1/NOTICE ]] && (cd "$1" && sha256sum --check --status <<<"$atlas_sums") 2>/dev/null
}

write_notice() {
  cat "$support/setup/atlas-notice.txt" "$1"/nilearn-*.dist-info/licenses/LICENSE
}

ensure_atlas() {
  atlas_is_whole "$atlas_folder" && return
  local scratch
  one_at_a_time
  atlas_is_whole "$atlas_folder" && return # while this one waited, another fetched it
  rm -rf "$atlas_folder".new.*
  scratch=$(mktemp -d "$atlas_folder.new.XXXXXX") || fail "$(dirname "$atlas_folder") cannot be written:" \
    "make it yours, or copy .atlas there from another clone."
  unfinished=$scratch
  say "Downloading the atlas (5 MB, in a wheel of 12 MB)"
  download_wheels "$scratch/wheels" --no-deps "$atlas_wheel" || fail "The atlas ($atlas_wheel) could not be" \
    "downloaded: connect to the network, or copy .atlas from another clone, and run 'make setup' again."
  unpack_wheel "$scratch"/wheels/nilearn-*.whl "$scratch" \
    'nilearn/datasets/data/mni_icbm152_*_converted.nii.gz' '*.dist-info/licenses/LICENSE'
  mkdir "$scratch/atlas"
  mv "$scratch"/nilearn/datasets/data/*.nii.gz "$scratch/atlas"
  write_notice "$scratch" >"$scratch/atlas/NOTICE"
  atlas_is_whole "$scratch/atlas" || fail "The atlas as downloaded has a wrong SHA-256: run 'make setup'" \
    "again, and if that repeats, copy .atlas from another clone."
  readable_by_all "$scratch/atlas"
  rm -rf "$atlas_folder"
  mv "$scratch/atlas" "$atlas_folder"
  rm -rf "$scratch"
}
