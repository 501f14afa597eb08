# shellcheck shell=bash disable=SC2154,SC2034 # shared with setup.sh
# The CUDA build of LibTorch, which is what most registries hand out: without a GPU it still needs a few of
# CUDA's libraries merely to load.

driver_present() { have nvidia-smi || [[ -e /proc/driver/nvidia/version ]]; }

# Whether a build is for CUDA, by what lies in it; a wheel's CUDA half may have been left out.
cuda_of() {
  if [[ -e $1/lib/libtorch_cuda.so ]]; then
    echo yes
  elif [[ -e $1/lib/libc10_cuda.so ]]; then
    echo "left out"
  else
    echo no
  fi
}

# A driver that came later makes the CUDA libraries, left out before, worth having.
lacks_cuda() { [[ $(cuda_of "$1") == "left out" ]] && driver_present; }

# What libtorch_cpu needs and the loader does not find, found as the program will find it.
unresolved() {
  env -u LD_LIBRARY_PATH ldd "$1/lib/libtorch_cpu.so" 2>/dev/null | awk '/not found/{print $1}' | sort -u
}

# The requirement among those of the wheel that brings a library, from the library's name: libcudart.so.13
# is in nvidia-cuda-runtime-cu12==... or in the extra [cudart] of cuda-toolkit==..., by the wheel's age.
requirement_for() {
  local stem=${1#lib} requirement
  stem=${stem%%.so*}
  stem=${stem,,}
  while read -r requirement; do
    requirement=${requirement%%;*}
    case $requirement in
    cuda-toolkit\[*"$stem"*) echo "cuda-toolkit[$stem]${requirement#*]}" && return ;;
    nvidia-cuda-runtime*) [[ $stem == cudart ]] && echo "$requirement" && return ;;
    nvidia-"$stem"-* | nvidia-cuda-"$stem"-*) echo "$requirement" && return ;;
    esac
  done
  return 1
}

# add_nvidia FOLDER REQUIREMENT...: unpacked beside torch/, where LibTorch's own run path looks.
add_nvidia() {
  local folder=$1 wheel
  shift
  download_wheels "$folder/wheels" "$@" || return 1
  for wheel in "$folder"/wheels/nvidia_*.whl; do
    unpack_wheel "$wheel" "$folder" 'nvidia/*.so*' '*.dist-info/licenses/*' '*.dist-info/L*'
  done
  rm -rf "$folder/wheels"
}

# The CUDA build of libtorch_cpu does not load without some of CUDA's libraries, GPU or not.
complete_cuda() {
  local folder=$1 requirements library wanted=() missing
  requirements=$(wheel_requirements "$folder" torch | grep -E '^(nvidia-|cuda-toolkit)') || return 0
  if driver_present; then
    mapfile -t wanted <<<"$requirements"
    say "Adding the CUDA libraries, for the NVIDIA driver here (gigabytes)"
    add_nvidia "$folder" "${wanted[@]}"
    return
  fi
  while mapfile -t missing < <(unresolved "$folder/torch") && ((${#missing[@]})); do
    local before="${wanted[*]}"
    wanted=()
    for library in "${missing[@]}"; do
      wanted+=("$(requirement_for "$library" <<<"$requirements")") || return 1
    done
    # Asked for once and still missing: it will not come by asking again.
    [[ "${wanted[*]}" != "$before" ]] || return 1
    say "Adding ${missing[*]}, which this build needs merely to load"
    add_nvidia "$folder" "${wanted[@]}" || return 1
  done
}
