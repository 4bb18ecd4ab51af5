"""The configuration of an image classification job: one flat dataclass, every key with its unit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class VisionConfig:
    # model
    classes: int = 10
    image_size: int = 8  # pixels, both ways
    channels: int = 24
    n_layer: int = 3  # convolution blocks
    dropout: float = 0.1  # of whole feature maps
    # data
    val_per_class: int = 30  # images of each class held out for validation
    max_images: int = 0  # keep only so many images for training and validation, 0 keeps all
    copies: int = 0  # shifted copies stored for each training image
    shift: int = 1  # pixels a training image is moved at most, 0 turns augmentation off
    rare_class: int = -1  # a class of which few training images are kept, -1 for none
    rare_fraction: float = 0.1  # of its training images, to be kept
    label_noise: float = 0.0  # fraction of images, test apart, with a random label: a hasty annotator's
    workers: int = 0  # processes that load training batches, 0 loads in the job's own
    # optimization
    lr: float = 3e-3  # peak
    weight_decay: float = 1e-2
    warmup_steps: int = 20
    min_lr_ratio: float = 0.05  # final learning rate over peak
    grad_clip: float = 5.0  # global norm
    batch_size: int = 32  # images
    steps: int = 444  # optimizer steps, rounded up to whole epochs
    patience: int = 10  # epochs without a better validation loss before the job stops
    seed: int = 0
    # reporting
    log_every: int = 20  # steps
    eval_batch: int = 10  # images
