#!/bin/bash
# The plan on a cluster with Slurm and a shared disk: an array of tasks, and a job after it that runs what is missing
# and writes the tables. What stands after -- goes to sbatch, for both jobs. `--slurm --dry-run` prints the scripts.
set -euo pipefail
plan=${1:-examples/sweep/plan.yaml}
store=${2:-runs/plan}

npx wafersim sweep "$plan" -o "$store" --slurm --points-per-task auto -- --partition=cpu --time=02:00:00 --mem=4G

# Any time later: what is done, what is missing, what has failed.
npx wafersim sweep "$plan" -o "$store" --status
