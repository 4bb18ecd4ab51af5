"""The configuration of a job on conversations: the language model's, and what conversations need besides."""

from dataclasses import dataclass

from config import Config


@dataclass(frozen=True)
class ChatConfig(Config):
    vocab_size: int = 260  # four special tokens and the bytes
    seq_len: int = 96
    micro_batch: int = 16  # rows per forward pass
    accumulation: int = 1
    steps: int = 160
    # data
    max_conversations: int = 0  # keep only the first so many, 0 keeps all
    pack: bool = False  # several conversations a row instead of one and padding
    group_by_length: bool = False  # batches of rows of about the same length
    # growth of the batch
    grow_every: int = 0  # double the rows of a micro-batch every so many steps, 0 keeps them
    most_rows: int = 0  # up to so many
    memory_limit: int = 0  # MiB of data the process may hold, 0 sets no limit
    # evaluation
    eval_every: int = 25
    accuracy_every: int = 50
    accuracy_questions: int = 64
    answer_tokens: int = 40  # at most, of a generated answer
