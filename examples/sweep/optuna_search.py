#!/usr/bin/env python3
"""A search by Optuna (pip install optuna) that asks wafersim about one point after another.

    python3 examples/sweep/optuna_search.py configs/tiny.yaml --trials 20

A sweep runs points that are known beforehand. Where the next point depends on the results so far, a program of your
own calls `wafersim run --json`: exit code 0 brings a document, 4 says that the point does not fit or that the
simulated machine fails, which is an answer too.
"""

import argparse
import json
import subprocess

DOES_NOT_FIT = 4


def simulate(config: str, settings: dict) -> "dict | None":
    """The document of a run, or None if the point does not fit."""
    command = ["npx", "wafersim", "run", config, "--json", "--shards", "1"]
    for path, value in settings.items():
        command += ["--set", f"{path}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == DOES_NOT_FIT:
        return None
    if done.returncode != 0:
        raise SystemExit(done.stderr.strip())
    return json.loads(done.stdout)


def main() -> None:
    import optuna

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("config")
    parser.add_argument("--trials", type=int, default=20)
    parser.add_argument("--storage", help="e.g. sqlite:///search.db: several of these then search together")
    asked = parser.parse_args()

    def objective(trial: "optuna.Trial") -> float:
        document = simulate(
            asked.config,
            {
                "workload.data": "false",
                "placement.strategy": trial.suggest_categorical("strategy", ["row-major", "snake", "greedy"]),
                "workload.batch": trial.suggest_int("batch", 1, 4),
                "hardware.fabric.queueDepth": trial.suggest_int("queueDepth", 2, 8),
            },
        )
        if document is None:
            raise optuna.TrialPruned("does not fit")
        trial.set_user_attr("key", document["key"])
        return document["decode"]["tokensPerSecond"]

    study = optuna.create_study(
        study_name="wafersim", direction="maximize", storage=asked.storage, load_if_exists=True
    )
    study.optimize(objective, n_trials=asked.trials)
    best = study.best_trial
    print(f"{best.value:.0f} tokens/s of all users with {best.params}")


if __name__ == "__main__":
    main()
