"""How many requests may be under way."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from exposure_dagster.scoring.limiter import Limiter


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 10))


async def places_within(limiter: Limiter, wanted: int = 50) -> int:
    """How many places can be had at once; all are given back."""
    tasks = [asyncio.ensure_future(limiter.acquire()) for _ in range(wanted)]
    for _ in range(3):
        await asyncio.sleep(0)
    taken = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for _ in taken:
        limiter.release()
    return len(taken)


def test_there_are_as_many_places_as_the_ceiling_and_none_below_one() -> None:
    async def work() -> None:
        limiter = Limiter(0)
        assert await places_within(limiter) == 0
        limiter.ceiling = 8
        assert await places_within(limiter) == 8
        limiter.ceiling = 3
        assert await places_within(limiter) == 3

    run(work())


def test_busy_answers_shrink_the_number_of_places_once_a_round_and_answers_let_it_grow_back() -> None:
    async def work() -> None:
        limiter = Limiter(10)
        sent_at = asyncio.get_running_loop().time()
        for _ in range(10):
            limiter.busy(sent_at, None, is_too_many=False)
        assert await places_within(limiter) == 7
        for _ in range(40):
            limiter.answered()
        assert await places_within(limiter) == 10

    run(work())


def test_near_the_number_that_was_too_many_places_grow_very_slowly() -> None:
    async def work() -> None:
        limiter = Limiter(10)
        limiter.busy(asyncio.get_running_loop().time(), None, is_too_many=True)
        for _ in range(40):
            limiter.answered()
        assert await places_within(limiter) == 9

    run(work())


def test_however_busy_the_api_is_one_place_is_left() -> None:
    async def work() -> None:
        limiter = Limiter(4)
        for _ in range(50):
            limiter.busy(asyncio.get_running_loop().time(), None, is_too_many=True)
        assert await places_within(limiter) == 1

    run(work())


def test_places_are_given_in_the_order_of_asking() -> None:
    async def work() -> None:
        limiter = Limiter(1)
        order: list[int] = []

        async def take(number: int) -> None:
            await limiter.acquire()
            order.append(number)
            limiter.release()

        await limiter.acquire()
        tasks = [asyncio.ensure_future(take(number)) for number in range(5)]
        await asyncio.sleep(0)
        limiter.release()
        await asyncio.gather(*tasks)
        assert order == [0, 1, 2, 3, 4]

    run(work())


def test_a_place_that_was_given_to_somebody_who_left_is_free_again() -> None:
    async def work() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        leaving = asyncio.ensure_future(limiter.acquire())
        await asyncio.sleep(0)
        limiter.release()
        leaving.cancel()
        await asyncio.gather(leaving, return_exceptions=True)
        assert await places_within(limiter) == 1

    run(work())


def test_after_a_busy_answer_nobody_gets_a_place_until_the_api_lets_them() -> None:
    async def work() -> None:
        limiter = Limiter(4)
        limiter.busy(asyncio.get_running_loop().time(), 0.05, is_too_many=True)
        assert await places_within(limiter) == 0
        await limiter.acquire()
        assert limiter.in_flight == 1

    run(work())


def test_when_there_is_nothing_more_to_send_nobody_waits() -> None:
    async def work() -> None:
        limiter = Limiter(1)
        await limiter.acquire()
        limiter.busy(asyncio.get_running_loop().time(), 3600, is_too_many=True)
        waiting = asyncio.ensure_future(limiter.acquire())
        limiter.stop()
        await waiting

    run(work())
