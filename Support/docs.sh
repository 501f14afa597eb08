#!/usr/bin/env bash
# One DocC site, .docs, of every module's public symbols and the pages in Sources/<Module>/<Module>.docc.
# Read from the modules that the release build left, so that nothing is compiled a second time.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

build=${1:-.build/release}
command -v docc >/dev/null || {
  echo "error: There is no docc here: it comes with Swift's toolchain, beside 'swift'." >&2
  exit 1
}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# The C targets' module maps, without which the Swift modules above them do not load.
search=(-I "$build/Modules" -I .libtorch/include -I .libtorch/include/torch/csrc/api/include)
for map in Sources/*/module.modulemap Sources/*/include "$build"/*.build/module.modulemap; do
  case $map in
  *.modulemap) search+=(-Xcc "-fmodule-map-file=$map") ;;
  *) search+=(-I "$map") ;;
  esac
done

target=$(swift -print-target-info | sed -n 's/.*"triple": "\(.*\)".*/\1/p' | head -n 1)
archives=()
for module in "$build"/Modules/*.swiftmodule; do
  name=$(basename "$module" .swiftmodule)
  [[ -d Sources/$name ]] || continue # a dependency's
  mkdir -p "$scratch/$name"
  swift symbolgraph-extract -module-name "$name" -target "$target" "${search[@]}" \
    -minimum-access-level public -skip-synthesized-members -output-dir "$scratch/$name"
  catalog=()
  [[ ! -d Sources/$name/$name.docc ]] || catalog=("Sources/$name/$name.docc")
  docc convert "${catalog[@]}" --additional-symbol-graph-dir "$scratch/$name" \
    --diagnostic-level error --fallback-display-name "$name" \
    --fallback-bundle-identifier "aginet.$name" \
    --transform-for-static-hosting --output-path "$scratch/$name.doccarchive" >/dev/null
  archives+=("$scratch/$name.doccarchive")
done
((${#archives[@]})) || {
  echo "error: $build holds no modules: run 'make build' first." >&2
  exit 1
}
rm -rf .docs
docc merge "${archives[@]}" --synthesized-landing-page-name aginet --output-path .docs >/dev/null
echo "The documentation is in .docs: 'python3 -m http.server -d .docs' serves it, at /documentation."
