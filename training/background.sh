#!/usr/bin/env bash
# Training behind other work, at the lowest priority: background.sh start|pause|continue|status|stop [arguments of train.py]
#
# DATA, by default ~/.cache/hearth-starter, has train.jsonl and tokenizer.json; the checkpoint, its log and the number of the
# process group are written there. `start` goes on from the checkpoint where there is one. PYTHON has requirements.txt installed.
set -euo pipefail
DATA=${DATA:-$HOME/.cache/hearth-starter}
PYTHON=${PYTHON:-$DATA/venv/bin/python}
PID_FILE=$DATA/train.pid
cd "$(dirname "$0")"

is_running() { [[ -f $PID_FILE ]] && kill -0 -- "-$(<"$PID_FILE")" 2>/dev/null; }
signal() { is_running || { echo "no training runs"; exit 1; }; kill "-$1" -- "-$(<"$PID_FILE")"; }

case ${1:-} in
  start)
    if is_running; then echo "runs already as process group $(<"$PID_FILE")"; exit 1; fi
    # glibc should keep freed memory, or the kernel spends more time on clearing pages than the model on training.
    export MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=500000000 GLIBC_TUNABLES=glibc.malloc.hugetlb=1
    export OMP_NUM_THREADS=1 TOKENIZERS_PARALLELISM=false
    # Linux weighs sessions before processes (autogroup): in a session of its own, nice alone would take nothing from it. The
    # new session sets its own weight: from here it could still be the caller's that is set.
    setsid bash -c '{ echo 19 >/proc/self/autogroup; } 2>/dev/null || true; exec nohup nice -n 19 "$@"' \
      train "$PYTHON" train.py --data "$DATA" --checkpoint "$DATA/starter.pt" --keep-every 10000000 "${@:2}" \
      >>"$DATA/train.log" 2>&1 </dev/null &
    echo $! >"$PID_FILE"
    echo "process group $!, log $DATA/train.log"
    ;;
  pause) signal STOP ;;
  continue) signal CONT ;;
  stop) # with a checkpoint of the last step
    signal TERM
    signal CONT
    while is_running; do sleep 1; done
    ;;
  status)
    if is_running; then ps -o pid,stat,ni,etime,time,rss,args -g "$(<"$PID_FILE")" | cut -c1-120; else echo "not running"; fi
    ls -l --time-style=full-iso "$DATA"/starter.pt 2>/dev/null || echo "no checkpoint"
    tail -n 3 "$DATA/train.log" 2>/dev/null || true
    ;;
  *) sed -n '2,5s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac
