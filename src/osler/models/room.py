"""When memory does not suffice: a batch is halved, those after it are kept as small, nothing is lost."""

from collections.abc import Callable, Sequence

import numpy as np

from osler.base.errors import InputError
from osler.base.progress import note

Ids = Sequence[Sequence[int]]


class Room:
    """How large a batch may be, learned from batches that were too large.

    Args:
        special: special tokens of each text.

    Attributes:
        limit: most tokens of a batch; None: nothing was too large yet.

    Examples:
        >>> room = Room(special=2)
        >>> room.run([[1], [2]], lambda ids: np.array(ids, dtype=np.float32)).tolist()
        [[1.0], [2.0]]
    """

    def __init__(self, *, special: int) -> None:
        self.limit: int | None = None
        self._special = special

    def run(self, ids: Ids, encode: Callable[[Ids], np.ndarray]) -> np.ndarray:
        """Encode a batch, in parts where it does not fit the memory.

        Halves are other batches, so that the last digits of their vectors may differ.

        Raises:
            InputError: one text alone does not fit.
        """
        size = self._tokens(ids)
        if self.limit is None or size <= self.limit or len(ids) == 1:
            try:
                return encode(ids)
            except (MemoryError, RuntimeError) as error:
                if not is_out_of_memory(error):
                    raise
            # Outside the handler: its traceback would hold the tensors that are to be freed.
            _release()
            if len(ids) == 1:
                raise InputError(
                    f"a text of {size:,} tokens does not fit the memory",
                    remedy="use --dtype nf4, a smaller encoder, a smaller --budget of osler text, or another "
                    "machine",
                )
            self.limit = min(self.limit or size, size // 2)
            note(f"encode: {size:,} tokens at a time do not fit the memory, going on with {self.limit:,}")
        middle = len(ids) // 2
        return np.concatenate([self.run(ids[:middle], encode), self.run(ids[middle:], encode)])

    def _tokens(self, ids: Ids) -> int:
        return sum(self._special + len(one) for one in ids)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error of torch says that memory does not suffice, on a processor or a graphics processor."""
    import torch

    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    text = str(error)
    return "DefaultCPUAllocator" in text or "not enough memory" in text or "out of memory" in text


def _release() -> None:
    """Give back what torch keeps for later."""
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
