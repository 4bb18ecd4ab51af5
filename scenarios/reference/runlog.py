"""The run's log: a line on the console now and then, every step in metrics.jsonl."""

import json
from pathlib import Path


class RunLog:
    def __init__(self, out_dir, config):
        self.config = config
        self.average = None  # of the loss, over about the last 20 steps
        self.file = open(Path(out_dir) / "metrics.jsonl", "a", buffering=1)

    def say(self, text):
        print(text, flush=True)

    def step(self, step, *, loss, lr, grad_norm):
        self.average = loss if self.average is None else 0.95 * self.average + 0.05 * loss
        self.file.write(json.dumps({"step": step, "loss": float(loss), "lr": lr, "grad_norm": grad_norm}) + "\n")
        if step % self.config.log_every == 0:
            average = f"(average {self.average:.4f})"
            self.say(f"step {step:5d} | loss {loss:.4f} {average} | lr {lr:.2e} | grad norm {grad_norm:.3f}")

    def evaluation(self, step, val_loss):
        self.file.write(json.dumps({"step": step, "val_loss": val_loss}) + "\n")
        self.say(f"step {step:5d} | val loss {val_loss:.4f}")

    def sample(self, step, text):
        self.say(f"step {step:5d} | sample {text!r}")
