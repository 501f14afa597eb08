#!/usr/bin/env bash
# Checks and times aginet on a GPU, beside PyTorch on the same card.
#
#   Support/gpu.sh              build here, then check and time here
#   Support/gpu.sh build        a program that runs where there is no Swift: .build-gpu/aginet-bench
#   Support/gpu.sh measure      check and time with what `build` made (carried to the machine with the GPU)
#
# `build` needs the headers and libraries of the LibTorch that the other machine has: $LIBTORCH, a folder with lib and
# include, for example unpacked from the wheel of its version; without it the one of `make setup` is used. `measure` finds
# the libraries in $LIBTORCH, else in the torch of $AGINET_PYTHON (python3). Results go to ${OUT:-Benchmarks}/GPU.md.
# Exits 10 where the GPU's float32 results differ from the CPU's by more than 1e-4.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
program=.build-gpu/aginet-bench
python=${AGINET_PYTHON:-python3}

build() {
  local libtorch=${LIBTORCH:-$PWD/.libtorch} settings=.build-gpu/settings
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
  PKG_CONFIG_PATH=$PWD/$settings AGINET_RPATH=$libtorch/lib swift build -c release --package-path Benchmarks \
    --product aginet-bench --scratch-path .build-gpu/swift --static-swift-stdlib -Xlinker --allow-shlib-undefined
  cp .build-gpu/swift/release/aginet-bench "$program"
  strip "$program"
  du -h "$program"
}

measure() {
  [[ -x $program ]] || { echo "gpu.sh: $program is not there; Support/gpu.sh build makes it" >&2; exit 3; }
  local lib=${LIBTORCH:+$LIBTORCH/lib} out=${OUT:-Benchmarks}
  [[ -n $lib ]] || lib=$("$python" -c 'import os, torch; print(os.path.join(os.path.dirname(torch.__file__), "lib"))')
  # The CUDA wheels lie beside torch, and its libraries find them there.
  export LD_LIBRARY_PATH=$lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
  export AGINET_PYTHON=$python
  local status=0
  {
    echo "# On a GPU"
    echo
    nvidia-smi --query-gpu=name,driver_version --format=csv,noheader || true
    echo
    echo "## CPU and GPU, float32"
    echo
    "$program" parity --device cuda || status=$?
    echo
    for precision in float32 tf32; do
      echo "# Networks in $precision"
      echo
      # shellcheck disable=SC2046 # one flag or none
      "$program" run --device cuda --only networks --sizes small full paper --compiled --repeats 10 --threads "$(nproc)" \
        $([[ $precision == tf32 ]] && echo --tf32)
      echo
    done
  } >"$out/GPU.md"
  cat "$out/GPU.md"
  return "$status"
}

case ${1:-all} in
build) build ;;
measure) measure ;;
all) build && measure ;;
*) echo "usage: Support/gpu.sh [build | measure]" >&2; exit 2 ;;
esac
