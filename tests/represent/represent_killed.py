"""Encode with small batches and end by SIGKILL before batch N (0: never): TEXTS OUT ENCODER N UNIT."""

import os
import signal
import sys
from pathlib import Path

from represent_support import small_plan

import osler.represent.maker
from osler.models.encoder import Encoder
from osler.represent.encode import make_vectors
from osler.represent.settings import EncodeSettings

texts, out, encoder, last, unit = sys.argv[1:]
encode, calls = Encoder.encode_batch, [0]


def dies(self, ids):
    calls[0] += 1
    if calls[0] == int(last):
        os.kill(os.getpid(), signal.SIGKILL)
    return encode(self, ids)


Encoder.encode_batch = dies
osler.represent.maker.plan_batches = small_plan(60)
make_vectors(Path(texts), Path(out), settings=EncodeSettings(encoder=encoder, unit=unit, dtype="float32"))
print(calls[0])
