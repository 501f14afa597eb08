# shellcheck shell=bash disable=SC2154,SC2034 # shared with setup.sh
# LibTorch: $LIBTORCH, else an installed Python torch, else the wheel. Whichever it is, afterwards
# .libtorch holds lib and include (links), libtorch.pc for SwiftPM, and origin, which is written last:
# without it nothing here counts.

readonly wheel_version=2.13.0
readonly oldest_python_torch=2.11 newest_python_torch=2.13

origin() { sed -n "s/^$1=//p" "$libtorch_folder/origin" 2>/dev/null; }

# The version a folder's headers state; the layout of LibTorch archive, wheel and installed torch is one.
libtorch_version() {
  local header
  for header in "$1"/include/torch/{headeronly,csrc/api/include/torch}/version.h; do
    [[ -e $header ]] || continue
    awk '/^#define TORCH_VERSION_(MAJOR|MINOR|PATCH) /{v = v dot $3; dot = "."} END{print v}' "$header"
    return
  done
}

# Says what is wrong with a folder, or nothing.
defect() {
  local folder=$1 file missing
  for file in lib/libtorch_cpu.so lib/libc10.so include/ATen/ATen.h; do
    if [[ ! -e $folder/$file ]]; then
      echo "has no $file"
      return
    fi
  done
  if [[ -z $(libtorch_version "$folder") ]]; then
    echo "has no version header"
    return
  fi
  missing=$(unresolved "$folder" | tr '\n' ' ')
  [[ -z $missing ]] || echo "needs ${missing% }, which the loader does not find"
}

is_current() {
  local source path version
  [[ -e $libtorch_folder/origin && -e $libtorch_folder/libtorch.pc ]] || return 1
  source=$(origin source) path=$(origin path) version=$(origin version)
  if [[ -n ${LIBTORCH:-} ]]; then
    [[ $source == LIBTORCH && $path == "$(absolute "$LIBTORCH")" ]] || return 1
  elif [[ -n ${AGINET_TORCH_VERSION:-} ]]; then
    [[ $source == wheel && $version == "$AGINET_TORCH_VERSION" ]] || return 1
  else
    [[ $source != LIBTORCH ]] || return 1
    [[ $source != wheel || $version == "$wheel_version" ]] || return 1
  fi
  # The path is gone when the clone was moved, or Python's torch was removed.
  [[ -d $path ]] || return 1
  [[ -e $libtorch_folder/lib/libtorch_cpu.so && -e $libtorch_folder/lib/libc10.so ]] || return 1
  # An installed torch may have been upgraded in place.
  [[ $(libtorch_version "$libtorch_folder") == "$version" ]] || return 1
  ! lacks_cuda "$libtorch_folder"
}

absolute() { (cd "$1" 2>/dev/null && pwd) || echo "$1"; }

# link_to FOLDER SOURCE: makes .libtorch point at FOLDER.
link_to() {
  local folder=$1 source=$2
  rm -f "$libtorch_folder/origin"
  ln -sfn "$folder/lib" "$libtorch_folder/lib"
  ln -sfn "$folder/include" "$libtorch_folder/include"
  write_pkg_config
  # Renamed into place, so that an interruption leaves no origin rather than half of one.
  cat >"$libtorch_folder/origin.new" <<EOF
version=$(libtorch_version "$folder")
source=$source
path=$folder
cuda=$(cuda_of "$folder")
EOF
  mv "$libtorch_folder/origin.new" "$libtorch_folder/origin"
}

# libtorch.so itself is empty but, in a CUDA build, drags all of CUDA in: it is left out, and the program
# loads libtorch_cuda.so where there is a GPU. Paths are relative to the file, so the folder may be moved.
write_pkg_config() {
  cat >"$libtorch_folder/libtorch.pc" <<'EOF'
Name: LibTorch
Description: Tensors and automatic differentiation, the C++ library of PyTorch
Version: 2
Cflags: -I"${pcfiledir}/include" -I"${pcfiledir}/include/torch/csrc/api/include"
Libs: -L"${pcfiledir}/lib" -ltorch_cpu -lc10
EOF
}

use_environment() {
  local folder problem
  folder=$(absolute "$LIBTORCH")
  problem=$(defect "$folder")
  [[ -z $problem ]] || fail "LIBTORCH=$LIBTORCH $problem: set it to a folder with lib/libtorch_cpu.so and" \
    "include/, or unset it and 'make setup' finds one."
  link_to "$folder" LIBTORCH
}

# The folder of an installed Python torch, without importing it (that takes seconds).
python_torch() {
  python3 - 2>/dev/null <<'EOF'
import importlib.util
print(importlib.util.find_spec("torch").submodule_search_locations[0])
EOF
}

use_python() {
  local folder version problem
  folder=$(python_torch) || return 1
  version=$(libtorch_version "$folder")
  [[ -n $version ]] || return 1
  if ! at_least "$version" "$oldest_python_torch" || ! at_least "$newest_python_torch" "${version%.*}"; then
    say "Passing over Python's torch $version: $oldest_python_torch to $newest_python_torch are known to work."
    return 1
  fi
  problem=$(defect "$folder")
  if [[ -n $problem ]]; then
    say "Passing over Python's torch: $folder $problem."
    return 1
  fi
  link_to "$folder" "Python's torch"
}

# download_torch VERSION TARGET: TARGET appears, by renaming, when everything in it is whole.
download_torch() {
  local version=$1 target=$2 scratch problem
  scratch=$(mktemp -d "$libtorch_folder/new.XXXXXX")
  unfinished=$scratch
  say "Downloading torch $version (some hundred megabytes)"
  download_wheels "$scratch/wheels" --no-deps "torch==$version" || fail "torch $version could not be" \
    "downloaded: connect to the network, or set LIBTORCH to an unpacked LibTorch, and run 'make setup' again."
  local patterns=('torch/lib/*' 'torch/include/*' 'torch-*.dist-info/METADATA' 'torch-*.dist-info/licenses/*'
    '!torch/lib/libtorch_python.so')
  # More than a gigabyte that only a GPU could use.
  driver_present || patterns+=('!torch/lib/libtorch_cuda*.so')
  say "Unpacking torch $version"
  unpack_wheel "$scratch"/wheels/torch-*.whl "$scratch" "${patterns[@]}"
  rm -rf "$scratch/wheels"
  if [[ $(cuda_of "$scratch/torch") != no ]]; then
    complete_cuda "$scratch" || fail "The CUDA libraries that torch $version needs could not be downloaded:" \
      "set LIBTORCH to an unpacked LibTorch and run 'make setup' again."
  fi
  problem=$(defect "$scratch/torch")
  [[ -z $problem ]] || fail "torch $version as downloaded $problem: set LIBTORCH to an unpacked LibTorch" \
    "and run 'make setup' again."
  rm -rf "$libtorch_folder"/wheel-* # an older version's, or one without CUDA
  readable_by_all "$scratch"
  mv "$scratch" "$target"
}

use_wheel() {
  local version=${AGINET_TORCH_VERSION:-$wheel_version}
  local target=$libtorch_folder/wheel-$version
  if [[ ! -d $target ]] || lacks_cuda "$target/torch"; then
    download_torch "$version" "$target"
  fi
  link_to "$target/torch" wheel
}

ensure_libtorch() {
  is_current && return
  mkdir -p "$libtorch_folder" 2>/dev/null && [[ -w $libtorch_folder ]] || fail "$libtorch_folder cannot be written:" \
    "make it yours, or set AGINET_LIBTORCH_DIR to a folder that is."
  one_at_a_time
  rm -rf "$libtorch_folder"/new.* # what a killed download left
  if is_current; then
    return # while this one waited, another did it
  elif [[ -n ${LIBTORCH:-} ]]; then
    use_environment
  elif [[ -n ${AGINET_TORCH_VERSION:-} ]] || ! use_python; then
    use_wheel
  fi
  is_current || fail "LibTorch could not be put into $libtorch_folder: is there space on that disk?"
}
