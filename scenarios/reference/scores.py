"""How well a classifier does: totals over a training epoch, scores of a whole split, and their lines in the log."""

import json
from typing import NamedTuple

import torch

from runlog import RunLog
from vision import classification_loss


class Scores(NamedTuple):
    loss: float  # mean cross-entropy, nats
    accuracy: float
    confusion: torch.Tensor  # (classes, classes) int64, row = true class, column = predicted class

    def recall(self):
        """Share of each class that was found, (classes,)."""
        return self.confusion.diag() / self.confusion.sum(dim=1).clamp(min=1)


class Totals:
    """Sums over the batches of an epoch."""

    def __init__(self):
        self.loss = 0.0
        self.correct = 0
        self.images = 0

    def add(self, loss, logits, labels):
        self.loss += loss * len(labels)
        self.correct += (logits.argmax(dim=1) == labels).sum().item()
        self.images += len(labels)

    def mean_loss(self):
        return self.loss / self.images

    def accuracy(self):
        return self.correct / self.images


@torch.no_grad()
def evaluate(model, loader, config):
    """Scores over all images of a loader. Leaves the model in evaluation mode."""
    model.eval()
    confusion = torch.zeros(config.classes, config.classes, dtype=torch.int64)
    loss, correct, images = 0.0, 0, 0
    for x, y in loader:  # (B, 1, H, W), (B,)
        x, y = x.to(model.device), y.to(model.device)
        logits = model(x)  # (B, classes)
        predicted = logits.argmax(dim=1)
        loss += classification_loss(logits, y).item() * len(y)
        correct += (predicted == y).sum().item()
        images += len(y)
        pairs = (y * config.classes + predicted).cpu()
        confusion += torch.bincount(pairs, minlength=config.classes**2).view_as(confusion)
    return Scores(loss / images, correct / images, confusion)


class VisionLog(RunLog):
    def epoch(self, step, epoch, train, val):
        """Totals of the epoch that ended before `step`, and the scores on the validation images after it."""
        self.evaluation(step, val.loss)
        recall = [round(value, 4) for value in val.recall().tolist()]
        record = {"step": step, "epoch": epoch, "train_accuracy": train.accuracy(), "val_accuracy": val.accuracy}
        self.file.write(json.dumps({**record, "val_recall": recall}) + "\n")
        self.say(
            f"epoch {epoch:3d} | train loss {train.mean_loss():.4f} accuracy {train.accuracy():.3f} "
            f"| val loss {val.loss:.4f} accuracy {val.accuracy:.3f} lowest recall {min(recall):.2f}"
        )

    def final(self, step, test):
        self.file.write(json.dumps({"step": step, "test_loss": test.loss, "test_accuracy": test.accuracy}) + "\n")
        self.say(f"step {step:5d} | test loss {test.loss:.4f} accuracy {test.accuracy:.3f}")
