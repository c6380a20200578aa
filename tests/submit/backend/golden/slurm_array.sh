#!/bin/sh
#SBATCH "--job-name=it's mine"
#SBATCH --comment=act:20260102-030405-k3x9q2
#SBATCH --array=0-2%2
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --gres=gpu:a100:8,nvme:1
#SBATCH --partition=gpu,long
#SBATCH "--account=our group"
#SBATCH --qos=high
#SBATCH --time=1-12:00:00
#SBATCH --mem=64G
#SBATCH --constraint=a100&nvlink
#SBATCH "--reservation=say \"now\" # \\"
#SBATCH --output=/dev/null
#SBATCH --chdir=/
#SBATCH --no-requeue
#SBATCH --exclusive
#SBATCH "--mail-user=a b@c"
# Made by act. The environment and the arguments of the run are in its spec.json, which ends with it.
umask 077
case $SLURM_ARRAY_TASK_ID in
0) run='/home/o'\''neil/state/act/runs/a' ;;
1) run='/home/o'\''neil/state/act/runs/b' ;;
2) run='/home/o'\''neil/state/act/runs/c' ;;
esac
exec >> "$run/logs/slurm.txt" 2>&1
rm -f "$run/first-failure" "$run/failure.txt"
tell() { echo "$2" > "$run/$1.new" && mv "$run/$1.new" "$run/$1"; }
tell started "$SLURM_JOB_ID $(date +%s) $SLURM_JOB_NODELIST"
if [ -n "$SLURM_CPUS_PER_TASK" ]; then export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"; fi
asked= undelivered=
'/home/o'\''neil/state/act/agent/act-1-2' agent deliver-meanwhile "$run/spec.json" $$ &
meanwhile=$!
trap asked=asked TERM
srun --kill-on-bad-exit=1 '--mpi=pmix' '--container-image=nvcr.io#nvidia/pytorch:24.01-py3' '--container-mounts=/home/o'\''neil/project:/home/o'\''neil/project,/home/o'\''neil/state/act:/home/o'\''neil/state/act,/scratch:/scratch:ro' '/home/o'\''neil/state/act/agent/act-1-2' agent run "$run/spec.json"
code=$?
ls "$run" > /dev/null
if [ -s "$run/first-failure" ]; then read -r code < "$run/first-failure"; fi
{ '/home/o'\''neil/state/act/agent/act-1-2' agent end-meanwhile "$meanwhile" && { wait "$meanwhile" || wait "$meanwhile"; }; } 2> /dev/null
'/home/o'\''neil/state/act/agent/act-1-2' agent deliver "$run/spec.json" || { code=$(( code ? code : 1 )); undelivered=undelivered; }
rm -f "$run/spec.json"
tell ended "$code $(date +%s)${asked:+ $asked}${undelivered:+ $undelivered}"
exit "$code"
