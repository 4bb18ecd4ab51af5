"""
Handwritten digits, from one file to batches.

- every stored image is an item; the test items are marked in the file, train and validation are split here
- the split is stratified: the same number of validation images of each class
- pixels are normalised with the mean and standard deviation of the training images
- training images are moved by a random offset each time they are served
"""

from typing import NamedTuple

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset


class Item(NamedTuple):
    image: int  # row of the file's images
    label: int
    down: int = 0  # pixels the stored copy is moved by
    right: int = 0


class Splits(NamedTuple):
    train: Dataset
    val: Dataset
    test: Dataset


def shifted(image, down, right):
    """Move an image (H, W) within its frame; what was outside is background."""
    H, W = image.shape
    moved = np.zeros_like(image)
    moved[max(0, down) : H + min(0, down), max(0, right) : W + min(0, right)] = image[
        max(0, -down) : H - max(0, down), max(0, -right) : W - max(0, right)
    ]
    return moved


class Digits(Dataset):
    """Serves images (1, H, W) float32 and labels; with a shift, every access moves the image anew."""

    def __init__(self, data, items, mean, std, shift=0):
        self.data = data
        self.items = items
        self.mean = mean
        self.std = std
        self.shift = shift
        self.labels = torch.tensor([item.label for item in items])

    def __len__(self):
        return len(self.items)

    def __getitem__(self, i):
        item = self.items[i]
        image = shifted(self.data["images"][item.image], item.down, item.right)
        if self.shift:
            image = shifted(image, *torch.randint(-self.shift, self.shift + 1, (2,)).tolist())
        pixels = (torch.from_numpy(image).float() - self.mean) / self.std
        return pixels.unsqueeze(0), item.label


def stratified_split(items, val_per_class, rng):
    """The same number of items of each class for validation, the rest for training."""
    train, val = [], []
    for label in sorted({item.label for item in items}):
        same = [item for item in items if item.label == label]
        same = [same[i] for i in rng.permutation(len(same))]
        val += same[:val_per_class]
        train += same[val_per_class:]
    return train, val


def with_copies(items, copies, rng):
    """Every item, and beside it `copies` more of the same image, each moved by up to a pixel."""
    offsets = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right]
    result = []
    for item in items:
        result.append(item)
        for i in rng.permutation(len(offsets))[:copies]:
            result.append(item._replace(down=offsets[i][0], right=offsets[i][1]))
    return result


def thinned(items, rare_class, fraction, rng):
    """Drop items of one class until only a fraction of them is left."""
    same = [i for i, item in enumerate(items) if item.label == rare_class]
    dropped = set(rng.permutation(same)[round(fraction * len(same)) :].tolist())
    return [item for i, item in enumerate(items) if i not in dropped]


def mislabelled(items, fraction, classes, rng):
    """Give a fraction of the items a label drawn at random."""
    chosen = set(rng.permutation(len(items))[: round(fraction * len(items))].tolist())
    return [item._replace(label=int(rng.integers(classes))) if i in chosen else item for i, item in enumerate(items)]


def statistics(data, items):
    """Mean and standard deviation of the pixels of these items' images."""
    pixels = data["images"][[item.image for item in items]].astype(np.float64)
    return float(pixels.mean()), float(pixels.std())


def load_splits(path, config):
    rng = np.random.default_rng(config.seed)
    data = dict(np.load(path))
    stored = [Item(i, int(label)) for i, label in enumerate(data["labels"])]
    test = [item for item in stored if data["test"][item.image]]
    items = [item for item in stored if not data["test"][item.image]]
    if config.max_images:
        items = [items[i] for i in rng.permutation(len(items))[: config.max_images]]
    items = mislabelled(items, config.label_noise, config.classes, rng)
    train, val = stratified_split(items, config.val_per_class, rng)
    train = with_copies(train, config.copies, rng)
    train = thinned(train, config.rare_class, config.rare_fraction, rng)
    mean, std = statistics(data, train)
    return Splits(
        train=Digits(data, train, mean, std, shift=config.shift),
        val=Digits(data, val, mean, std),
        test=Digits(data, test, mean, std),
    )


class Loaders:
    """The batches of each split. A loader is built when it is first asked for; its workers live as long as it does."""

    def __init__(self, splits, config):
        self.splits = splits
        self.config = config
        self.built = {}

    def build_train(self, seed):
        return DataLoader(
            self.splits.train,
            batch_size=self.config.batch_size,
            shuffle=True,
            drop_last=True,
            num_workers=self.config.workers,
            persistent_workers=self.config.workers > 0,
            generator=torch.Generator().manual_seed(seed),
        )

    def train(self, epoch):
        """A new order for every epoch, the same order in every run with the same seed."""
        if "train" not in self.built:
            self.built["train"] = self.build_train(self.config.seed)
        loader = self.built["train"]
        loader.generator.manual_seed(1000 * self.config.seed + epoch)
        return loader

    def batches(self):
        """Training batches an epoch."""
        return len(self.splits.train) // self.config.batch_size

    def evaluation(self, split):
        """All images of "val" or "test", in order."""
        if split not in self.built:
            self.built[split] = DataLoader(getattr(self.splits, split), batch_size=self.config.eval_batch)
        return self.built[split]
