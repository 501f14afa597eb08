#!/usr/bin/env bash
# Digests of what the program computes, to see that a change of structure changes nothing.
#
#   Support/digests/digests.sh FILE           write them to FILE
#   Support/digests/digests.sh --check FILE   compute them anew and compare; exits 1 where one differs
#
# A line each: the weights and optimisers of every framework after 5 steps with its published generator, ResUnet and
# AGI-Net, all tiny, of a segmentation and of a training on patches; an evaluation's slices.csv; a synthesised volume; the
# files of a prepared store. One seed, one thread.
# They hold for one kind of processor: LibTorch picks its kernels by it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
aginet=${AGINET:-$PWD/.build/release/aginet}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
export OMP_NUM_THREADS=1

# The tensors of a safetensors file, without the header, whose metadata names versions.
tensors() {
  local length
  length=$(od -An -t u8 -N 8 "$1" | tr -d ' ')
  tail -c +$((length + 9)) "$1" | sha256sum | cut -d ' ' -f 1
}

tiny=(--sources t1,t2 --width 4 --groups 4 --batch 2 --iterations 5 --set blocks=1 --set validateEvery=5
  --set validationSlices=2 --set checkpointEvery=5 --set pix2pix.levels=5 --set mmgan.levels=5
  --set pix2pix.discriminatorWidth=4 --set pgan.discriminatorWidth=4 --set mmgan.discriminatorWidth=4
  --set 'ddpm.unet={"multipliers":[1,2],"attention":[2]}' --set 'iddpm.unet={"multipliers":[1,2],"attention":[2]}'
  --set ddpm.steps=20 --set iddpm.steps=20 --set ddpm.sampling.steps=2 --set iddpm.sampling.steps=2
  --set ddpm.validationSteps=2 --set iddpm.validationSteps=2 --set selfrdb.steps=2
  --set 'selfrdb.generator.multipliers=[1,2]' --set 'selfrdb.generator.attention=[2]'
  --set selfrdb.discriminator.width=4 --set 'selfrdb.discriminator.multipliers=[2,2]' --threads 1 -q)

digests() {
  "$aginet" phantom -o "$scratch/raw" --subjects 6 --voxel 4 -q >/dev/null
  "$aginet" prepare bids "$scratch/raw" -o "$scratch/cohort" --size 64 -q >/dev/null
  for file in "$scratch"/cohort/subjects/*; do
    echo "store/$(basename "$file") $(sha256sum "$file" | cut -d ' ' -f 1)"
  done
  for method in pix2pix pgan mmgan medsynth ddpm iddpm selfrdb; do
    for network in published resunet agi-net; do
      "$aginet" train --method $method --network $network "${tiny[@]}" --target pd \
        --data "$scratch/cohort" -o "$scratch/$method-$network" >/dev/null
      echo "weights/$method-$network $(tensors "$scratch/$method-$network/checkpoints/last.safetensors")"
    done
  done
  local regions='segmentation.regions=[{"name":"lesion","labels":[1,2,3]}]'
  "$aginet" phantom -o "$scratch/tumours" --subjects 6 --voxel 4 --tumours 1 --plaques 0 -q >/dev/null
  "$aginet" prepare bids "$scratch/tumours" -o "$scratch/tumour-cohort" --size 64 -q >/dev/null
  "$aginet" train --method segmentation "${tiny[@]}" --rate 1e-4 --set "$regions" \
    --data "$scratch/tumour-cohort" -o "$scratch/segmentation" >/dev/null
  echo "weights/segmentation $(tensors "$scratch/segmentation/checkpoints/last.safetensors")"
  "$aginet" train --method pix2pix --network agi-net "${tiny[@]}" --target pd --region patch:32x32x32 \
    --data "$scratch/cohort" -o "$scratch/volumes" >/dev/null
  echo "weights/pix2pix-agi-net-patches $(tensors "$scratch/volumes/checkpoints/last.safetensors")"
  local run=$scratch/pix2pix-agi-net scan=$scratch/raw/sub-001/anat/sub-001
  "$aginet" evaluate "$run" --data "$scratch/cohort" --threads 1 -q >/dev/null
  echo "evaluation/slices.csv $(sha256sum "$run/evaluation/test/slices.csv" | cut -d ' ' -f 1)"
  "$aginet" synthesize --model "$run/model.safetensors" --t1 "${scan}_T1w.nii.gz" --t2 "${scan}_T2w.nii.gz" \
    -o "$scratch/pd.nii" --threads 1 -q >/dev/null
  # The header names the program's version.
  echo "synthesis/pd $(tail -c +353 "$scratch/pd.nii" | sha256sum | cut -d ' ' -f 1)"
}

[[ $# -gt 0 ]] || set -- --help
if [[ $1 == --check ]]; then
  digests >"$scratch/digests"
  diff "${2:?name the file of digests}" "$scratch/digests"
  echo "nothing differs"
elif [[ $1 == -* ]]; then
  sed -n '2,9s/^# \{0,1\}//p' "$0" >&2
  exit 2
else
  digests >"$scratch/digests"
  cp "$scratch/digests" "$1"
fi
