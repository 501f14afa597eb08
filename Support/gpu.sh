#!/usr/bin/env bash
# Checks and times aginet on a GPU, beside PyTorch on the same card.
#
#   Support/gpu.sh              build here, then check and time here
#   Support/gpu.sh build        programs that run where there is no Swift: .build-gpu/{aginet,aginet-bench}, and packed (.xz)
#   Support/gpu.sh measure      check and time with what `build` made (carried to the machine with the GPU)
#   Support/gpu.sh repeat       whether trainings with --deterministic leave the same bytes twice; wants .atlas (carried) or $AGINET_ATLAS_DIR
#   Support/gpu.sh model ANATOMIES SECONDS [MODEL]
#                               train the model in the box for so long, by $EXPERIMENT (Support/models/physics-5.json), from its start or
#                               from MODEL, into ${OUT:-.build-gpu}/model, in tf32 or $PRECISION
#   Support/gpu.sh bench ...    aginet-bench, with the libraries that are there: Support/gpu.sh bench run --device cuda ...
#   Support/gpu.sh aginet ...   that aginet, with the libraries that are there: Support/gpu.sh aginet train --device cuda ...
#
# `build` needs the headers and libraries of the LibTorch that the other machine has: $LIBTORCH, a folder with lib and
# include, for example unpacked from the wheel of its version; without it the one of `make setup` is used. `measure` finds
# the libraries in $LIBTORCH, else in the torch of $AGINET_PYTHON (python3); what is packed it unpacks. Results go to ${OUT:-Benchmarks}/GPU.md.
# It is written part by part: what a machine that is taken back has measured is there. Exits 10 where the GPU's float32 results
# differ from the CPU's by more than 1e-4, or two runs with --deterministic from one another.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
made=.build-gpu
program=$made/aginet-bench
python=${AGINET_PYTHON:-python3}

build() {
  local libtorch=${LIBTORCH:-$PWD/.libtorch} settings=$made/settings
  [[ -e $libtorch/include/ATen/ATen.h ]] || { echo "gpu.sh: $libtorch has no include/ATen/ATen.h; run make setup or set LIBTORCH" >&2; exit 3; }
  mkdir -p "$settings"
  cat >"$settings/libtorch.pc" <<END
Name: libtorch
Description: LibTorch for the machine with the GPU
Version: 2
Cflags: -I$libtorch/include -I$libtorch/include/torch/csrc/api/include
Libs: -L$libtorch/lib -ltorch -ltorch_cpu -lc10
END
  # CUDA's own libraries need not be here: what is undefined is found when the program starts there.
  for product in aginet-bench aginet; do
    PKG_CONFIG_PATH=$PWD/$settings AGINET_RPATH=$libtorch/lib swift build -c release --package-path Benchmarks \
      --product "$product" --scratch-path "$made/swift" --static-swift-stdlib -Xlinker --allow-shlib-undefined
    cp "$made/swift/release/$product" "$made/$product"
    strip "$made/$product"
    xz --keep --force --threads=0 "$made/$product"
  done
  du -h "$made"/aginet*
}

# Unpacks a program that was carried, and finds the libraries.
ready() {
  # Not every machine has xz; Python, which LibTorch comes with there, has its library.
  [[ -x $made/$1 || ! -e $made/$1.xz ]] || {
    "$python" -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$made/$1.xz" "$made/$1"
    chmod +x "$made/$1"
  }
  [[ -x $made/$1 ]] || { echo "gpu.sh: $made/$1 is not there; Support/gpu.sh build makes it" >&2; exit 3; }
  local lib=${LIBTORCH:+$LIBTORCH/lib}
  [[ -n $lib ]] || lib=$("$python" -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')
  # The CUDA wheels lie beside torch, and its libraries find them there.
  export LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# The training step of the generator, and inference.
networks() {
  echo "# Networks in $1"
  echo
  "$program" run --device cuda --precision "$1" --only networks --work l1 inference --threads "$(nproc)" "${@:2}"
  echo
}

# Short trainings, each twice: of every precision, and of networks with the operators that LibTorch adds up in any order by itself.
repeat() {
  ready aginet
  export AGINET_ATLAS_DIR=${AGINET_ATLAS_DIR:-$PWD/.atlas}
  local folder=$made/repeat status=0 words verdict run file
  local trainings=(
    "--precision float32 --network agi-net" "--precision bf16 --network agi-net" "--precision tf32 --network deform-resunet"
    "--precision tf32 --network resnet9" "--precision tf32 --network medsynth-unet --region patch:32x32x32"
  )
  rm -rf "$folder"
  "$made/aginet" phantom -o "$folder/raw" --subjects 6 --voxel 4 --quiet || return
  "$made/aginet" prepare bids "$folder/raw" -o "$folder/cohort" --quiet >/dev/null || return
  echo "| 30 steps | two runs |"
  echo "|---|---|"
  for words in "${trainings[@]}"; do
    verdict="the same bytes"
    for run in one other; do
      # shellcheck disable=SC2086 # flags and their values
      "$made/aginet" train $words --deterministic --device cuda --sources t1,t2 --target pd --width 16 --batch 4 --iterations 30 \
        --data "$folder/cohort" -o "$folder/$run" --force --quiet >/dev/null || verdict="**failed**"
    done
    for file in model.safetensors checkpoints/last.safetensors log.csv; do
      [[ $verdict == "**failed**" ]] || cmp -s "$folder/one/$file" "$folder/other/$file" || verdict="**$file differs**"
    done
    [[ $verdict == "the same bytes" ]] || status=10
    echo "| \`$words\` | $verdict |"
  done
  rm -rf "$folder"
  return "$status"
}

measure() {
  ready aginet-bench
  local out=${OUT:-Benchmarks}
  export AGINET_PYTHON=$python
  local status=0
  {
    echo "# On a GPU"
    echo
    nvidia-smi --query-gpu=name,driver_version --format=csv,noheader || true
    echo
    echo "## The CPU in float32 and the GPU"
    echo
    "$program" parity --device cuda || status=$?
    # With fewer digits some gradients, small differences of large sums, are far apart: these are to be read, not held to a limit.
    for precision in tf32 bf16; do "$program" parity --device cuda --precision "$precision" --within 0.1 || true; done
    echo
    # Ours and eager PyTorch first: compiling takes minutes, and whoever lends the machine may want it back.
    for precision in float32 tf32 bf16; do
      networks "$precision" --sizes paper small --repeats 7
    done
    echo "# Runs that are to be alike"
    echo
    (repeat) || status=$?
    echo
    for precision in bf16 tf32 float32; do
      networks "$precision" --sizes paper --compiled --repeats 5
    done
  } >"$out/GPU.md"
  cat "$out/GPU.md"
  return "$status"
}

# The schedule needs to know its end, so a few steps tell how fast this card is.
model() {
  local anatomies=$1 seconds=$2 start=${3:-physics-4} began steps rate
  local trial=$made/trial out=${OUT:-$made}/model
  began=$(date +%s)
  local common=(
    "${EXPERIMENT:-Support/models/physics-5.json}" --from "$start" --anatomies "$anatomies" --device cuda --precision "${PRECISION:-tf32}"
  )
  ready aginet
  "$made/aginet" train "${common[@]}" -o "$trial" --force --set iterations=200 --set validateEvery=200 --set validationSlices=32 2>"$trial.log" || { tail -n 3 "$trial.log" >&2; return 1; }
  rate=$(tr '\r' '\n' <"$trial.log" | grep -oE '[0-9.]+/s' | tail -n 1)
  steps=$(awk -v rate="${rate%/s}" -v left=$((seconds - $(date +%s) + began - 20)) 'BEGIN { printf "%d", 0.95 * rate * left }')
  ((steps >= 100)) || { echo "gpu.sh: at $rate too few steps fit into $seconds s" >&2; return 8; }
  echo "gpu.sh: $steps steps at $rate; $(tail -n 1 "$trial.log")" >&2
  "$made/aginet" train "${common[@]}" -o "$out" --force --set iterations="$steps"
}

case ${1:-all} in
build) build ;;
measure) measure ;;
repeat) repeat ;;
model) model "${@:2}" ;;
aginet) ready aginet; exec "$made/$@" ;;
bench) ready aginet-bench; exec "$program" "${@:2}" ;;
# Not joined by &&, which would go on after a command of theirs that failed.
all) build; measure ;;
*) echo "usage: Support/gpu.sh [build | measure | repeat | model ANATOMIES SECONDS [MODEL] | bench ... | aginet ...]" >&2; exit 2 ;;
esac
