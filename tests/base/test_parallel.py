"""Pieces of work come back whole, in order, wherever they were done."""

import os
import time

import pytest

from osler.base.parallel import cores, map_pieces


def _slow(number: int) -> tuple[int, int]:
    time.sleep(0.01 * (5 - number))
    return number, os.getpid()


def test_order_and_results_do_not_depend_on_processes() -> None:
    here = list(map_pieces(_slow, range(5)))
    assert {process for _, process in here} == {os.getpid()}
    spread = list(map_pieces(_slow, range(5), pays=0))
    assert [number for number, _ in spread] == [number for number, _ in here] == list(range(5))
    if cores() > 1:
        assert len({process for _, process in spread}) > 1
    assert list(map_pieces(_slow, [])) == []


def test_an_error_of_a_piece_is_raised() -> None:
    def fails(number: int) -> int:
        if number == 3:
            raise ValueError("the third")
        return number

    with pytest.raises(ValueError, match="the third"):
        list(map_pieces(fails, range(5), pays=0))
