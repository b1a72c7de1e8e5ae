"""Settings and YAML files: errors name the key's path."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from osler.base.errors import InputError
from osler.base.settings import Settings
from osler.base.yaml_file import read_yaml


class A(Settings):
    use: Literal["a"]
    n: int = 1


class B(Settings):
    use: Literal["b"]
    columns: list[str]


class Block(Settings):
    tasks: dict[str, Annotated[A | B, Field(discriminator="use")]]
    rate: float = Field(default=0.5, le=1)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"tasks": {}, "speed": 1}, "speed: unknown key"),
        ({"tasks": {"x": {"use": "a", "n": "many"}}}, "tasks.x.n: Input should be a valid integer"),
        ({"tasks": {"x": {"use": "b"}}}, "tasks.x.columns: required, but not given"),
        (
            {"tasks": {"x": {"use": "b", "columns": ["a", 3]}}},
            "tasks.x.columns.1: Input should be a valid string",
        ),
        ({"tasks": {"x": {"use": "c"}}}, "tasks.x: use: no 'c' (allowed: 'a', 'b')"),
        ({"tasks": {"x": {"use": "a", "m": 1}}}, "tasks.x.m: unknown key"),
        ({"tasks": {}, "rate": 2}, "rate: Input should be less than or equal to 1"),
    ],
)
def test_errors_name_the_key_path(values: dict[str, object], expected: str) -> None:
    with pytest.raises(InputError) as caught:
        Block.parse(values, where="study.yaml")
    assert expected in str(caught.value)
    assert "where: study.yaml" in str(caught.value)


def test_every_problem_is_told_at_once() -> None:
    with pytest.raises(InputError) as caught:
        Block.parse({"tasks": {"x": {"use": "a", "n": "q"}}, "rate": 7, "z": 0}, where="s")
    assert caught.value.count == 3


def test_settings_are_frozen_and_plain() -> None:
    block = Block.parse({"tasks": {"x": {"use": "a"}}}, where="s")
    assert block.plain() == {"tasks": {"x": {"use": "a", "n": 1}}, "rate": 0.5}
    with pytest.raises(Exception, match="frozen"):
        block.rate = 0.1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\na: 2\n", "the key 'a' is given twice"),
        ("a: [1\n", "not valid YAML"),
        ("- 1\n", "does not hold keys and values"),
        ("a: {b: '${OSLER_NOT_SET}/x'}\n", "a.b: the environment variable OSLER_NOT_SET is not set"),
    ],
)
def test_broken_yaml_is_explained(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "s.yaml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_yaml(path)
    assert expected in str(caught.value)


def test_variables_are_filled_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OSLER_SOME", "/data")
    path = tmp_path / "s.yaml"
    path.write_text("a: ['${OSLER_SOME}/x', 3]\n")
    assert read_yaml(path) == {"a": ["/data/x", 3]}


def test_yaml_that_is_not_utf8_is_explained(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"a: \xff\n")
    with pytest.raises(InputError, match="not UTF-8 at byte 3"):
        read_yaml(path)
