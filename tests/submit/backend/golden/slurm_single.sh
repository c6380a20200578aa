#!/bin/sh
#SBATCH --job-name=true
#SBATCH --comment=act:20260102-030405-k3x9q2
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=1
#SBATCH --output=/dev/null
#SBATCH --chdir=/
#SBATCH --no-requeue
# Made by act. The environment and the arguments of the run are in its spec.json, which ends with it.
umask 077
run='/home/u/.local/state/act/runs/20260102-030405-k3x9q2'
exec >> "$run/logs/slurm.txt" 2>&1
rm -f "$run/first-failure" "$run/failure.txt"
tell() { echo "$2" > "$run/$1.new" && mv "$run/$1.new" "$run/$1"; }
tell started "$SLURM_JOB_ID $(date +%s) $SLURM_JOB_NODELIST"
if [ -n "$SLURM_CPUS_PER_TASK" ]; then export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"; fi
asked= undelivered=
trap asked=asked TERM
srun --kill-on-bad-exit=1 '/home/u/.local/state/act/agent/act-1-2' agent run "$run/spec.json"
code=$?
ls "$run" > /dev/null
if [ -s "$run/first-failure" ]; then read -r code < "$run/first-failure"; fi
rm -f "$run/spec.json"
tell ended "$code $(date +%s)${asked:+ $asked}${undelivered:+ $undelivered}"
exit "$code"
