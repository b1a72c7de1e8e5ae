"""Instructions: what an encoder is asked to look for in a text, as a versioned object.

The instruction belongs to encoding, never to texts, and its tokens come off the context (one sentence per
task, as in "Large language models are powerful EHR encoders", npj Digital Medicine 2026).
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from osler.base.errors import InputError
from osler.base.hashing import hash_text

_ASK = "Given a patient's health record as a list of statements, represent it so that it answers: "

GENERIC = "which clinical features of this patient matter for what will happen next?"

# Task -> what is asked. Change a wording only together with VERSION.
TASKS = {
    "mortality": "will this patient die during this stay in hospital?",
    "readmission": "will this patient be admitted again within 30 days of discharge?",
    "long_stay": "will this patient stay in hospital for more than seven days?",
    "icu": "will this patient be moved to intensive care?",
    "phenotype": "which kind of patient is this, by diseases, severity and care?",
}
VERSION = 1


@dataclass(frozen=True)
class Instruction:
    """One instruction.

    Attributes:
        name: `none`, `generic`, `task:NAME`, or `file`.
        version: version of the wording; 0 where the wording is the user's own.
        text: the wording; empty for `none`.
        hash: SHA-256 of the wording.
    """

    name: str
    version: int
    text: str
    hash: str

    def plain(self) -> dict[str, Any]:
        """JSON-ready values."""
        return asdict(self)


def instruction(name: str) -> Instruction:
    """Find an instruction.

    Args:
        name: `none`, `generic`, `task:NAME` with a name of `TASKS`, or the path of a text file.

    Raises:
        InputError: unknown, or an empty or unreadable file.

    Examples:
        >>> instruction("none").text, instruction("task:mortality").version
        ('', 1)
    """
    if name == "none":
        return Instruction(name, VERSION, "", hash_text(""))
    if name == "generic":
        return _made(name, _ASK + GENERIC)
    kind, _, task = name.partition(":")
    if kind == "task" and task in TASKS:
        return _made(name, _ASK + TASKS[task])
    path = Path(name)
    if not path.is_file():
        raise InputError(
            f"no instruction '{name}'",
            allowed=["none", "generic", *(f"task:{task}" for task in TASKS), "the path of a text file"],
        )
    try:
        text = path.read_text(encoding="utf-8").strip()
    except UnicodeDecodeError as error:
        raise InputError("the instruction is not UTF-8 text", where=path) from error
    if not text:
        raise InputError("the instruction is empty", where=path, remedy="write one sentence, or use none")
    return Instruction("file", 0, text, hash_text(text))


def _made(name: str, text: str) -> Instruction:
    return Instruction(name, VERSION, text, hash_text(text))


def require_applicable(chosen: Instruction, *, encoder: str, follows_instructions: bool) -> None:
    """Refuse an instruction to an encoder that was not trained to follow one.

    A prefix that all texts share only shifts every vector of such an encoder (METHODS 8).

    Raises:
        InputError: the instruction is not `none` and the encoder follows none.
    """
    if chosen.name != "none" and not follows_instructions:
        raise InputError(
            f"instruction '{chosen.name}' is not applicable: encoder '{encoder}' follows no instructions",
            allowed=["none"],
            remedy="use --instruction none, or an encoder that was trained with instructions",
        )
