#!/usr/bin/env bash
# Trains on a machine with one GPU that is lent for some minutes: on-gpu.sh PACK OUT [SECONDS] [arguments of train.py]
#
# PACK is a folder of pack.py. The machine has PyTorch and reaches nothing. Three quarters of SECONDS (420) go to the constant
# learning rate, the rest to the decay. OUT receives, in parts of less than 16 MiB, the averaged weights of both ends in bfloat16
# (pack.py --join puts them together, export.py writes the .gguf), and the log.
set -euo pipefail
PACK=$(realpath "$1") OUT=$(realpath "$2") SECONDS_OF_TRAINING=${3:-420}
cd "$(dirname "$0")"
RUN=$(mktemp -d)
export PYTHONUNBUFFERED=1 TOKENIZERS_PARALLELISM=false PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True

python3 -c 'import tokenizers' 2>/dev/null || python3 -m pip install -q --no-deps --no-index --find-links "$PACK" tokenizers
xz -dc "$PACK/train.jsonl.xz" >"$RUN/train.jsonl" || python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), open(sys.argv[2], "wb"))' "$PACK/train.jsonl.xz" "$RUN/train.jsonl"
cp "$PACK/tokenizer.json" "$RUN"

# Whatever happens, what there is goes to OUT: the log always, the weights as soon as they exist.
bring() {
  for name in stable end; do
    if [[ -f $RUN/$name.weights.pt ]]; then split -b 16000000 -d "$RUN/$name.weights.pt" "$OUT/$name.weights.pt.part"; fi
  done
}
trap bring EXIT

python3 train.py --data "$RUN" --checkpoint "$RUN/gpu.pt" --seconds "$SECONDS_OF_TRAINING" --batch 131072 --tokens 65536 --passes 8 --warmup-tokens 5000000 \
  --log-seconds 10 --save-seconds 3600 "${@:4}" 2>&1 | tee "$OUT/train.log"
python3 train.py --data "$RUN" --checkpoint "$RUN/gpu.pt.stable" --weights-to "$RUN/stable.weights.pt"
python3 train.py --data "$RUN" --checkpoint "$RUN/gpu.pt" --weights-to "$RUN/end.weights.pt"
