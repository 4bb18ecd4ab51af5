"""The log of a job on conversations: the run's log, and what became of the questions."""

import json

from runlog import RunLog


class ChatLog(RunLog):
    def accuracy(self, step, accuracy):
        self.file.write(json.dumps({"step": step, "accuracy": accuracy}) + "\n")
        self.say(f"step {step:5d} | accuracy {accuracy:.3f}")

    def reply(self, step, question, text):
        self.say(f"step {step:5d} | {question!r} -> {text!r}")
