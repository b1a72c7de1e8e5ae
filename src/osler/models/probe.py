"""Which number format is fastest here: measured, once per process, not read off the name of the processor."""

import time
from collections.abc import Callable
from functools import lru_cache

# A product of the shapes of a small encoder: tokens x width, width x inside.
_TOKENS, _WIDTH, _INSIDE = 512, 384, 1536
_ROUNDS = 7
_PRODUCTS = 4
# bfloat16 moves the third digit of a vector, so that it must gain more than noise.
_PAYS = 1.3


@lru_cache(maxsize=4)
def bfloat16_gain(device: str = "cpu") -> float:
    """How many times as fast a product of matrices is in bfloat16 as in float32, on one thread.

    The fastest of some alternating rounds of each counts, so that other work on the machine does not decide.
    About a tenth of a second.

    Args:
        device: `cpu`, or a graphics processor as torch calls it.
    """
    import torch

    def timed(dtype: torch.dtype) -> Callable[[], float]:
        left = torch.ones(_TOKENS, _WIDTH, dtype=dtype, device=device)
        layer = torch.nn.Linear(_WIDTH, _INSIDE, dtype=dtype, device=device)

        def run() -> float:
            start = time.perf_counter()
            for _ in range(_PRODUCTS):
                made = layer(left)
            float(made[0, 0])  # waits for a graphics processor
            return time.perf_counter() - start

        return run

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            wide, narrow = timed(torch.float32), timed(torch.bfloat16)
            wide(), narrow()
            rounds = [(wide(), narrow()) for _ in range(_ROUNDS)]
    finally:
        torch.set_num_threads(before)
    return min(one for one, _ in rounds) / min(one for _, one in rounds)


def bfloat16_pays(device: str = "cpu") -> bool:
    """Whether bfloat16 is enough faster than float32 here to be worth its rounding."""
    return bfloat16_gain(device) >= _PAYS
