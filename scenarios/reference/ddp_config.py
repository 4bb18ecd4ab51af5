"""The keys that a job on several ranks has beyond those of every job."""

from dataclasses import dataclass

from config import Config


@dataclass(frozen=True)
class DDPConfig(Config):
    ranks: int = 2  # processes, each with micro_batch x accumulation rows per optimizer step
    lr_scaling: str = "linear"  # none | sqrt | linear: how lr, which is for one rank, grows with the number of ranks
    collective_timeout: float = 600.0  # seconds a rank waits for the others before it gives up
