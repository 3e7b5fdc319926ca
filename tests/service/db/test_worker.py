import asyncio
from typing import Any

import pytest

from voiceid_optout.service.db.worker import MAX_BATCH, Inbox, Job


def jobs(count: int) -> list[Job]:
    loop = asyncio.get_running_loop()
    return [Job("OptOutSpeaker", {"number": number}, loop.create_future()) for number in range(count)]


def use(scenario: Any) -> Any:
    async def main() -> Any:
        return await scenario(Inbox())

    return asyncio.run(main())


def test_what_arrives_in_one_turn_travels_together() -> None:
    async def scenario(inbox: Inbox) -> None:
        given = jobs(20)
        for job in given:
            inbox.put(job)
        assert await asyncio.to_thread(inbox.take) == (given, False)

    use(scenario)


def test_turns_that_wait_together_are_taken_together_up_to_a_bound() -> None:
    async def scenario(inbox: Inbox) -> None:
        for _ in range(3):
            for job in jobs(MAX_BATCH // 2):
                inbox.put(job)
            await asyncio.sleep(0)
        first, _ = inbox.take()
        second, _ = inbox.take()
        assert (len(first), len(second)) == (MAX_BATCH, MAX_BATCH // 2)

    use(scenario)


@pytest.mark.parametrize("count", [0, 3])
def test_the_end_comes_after_what_was_put_before(count: int) -> None:
    async def scenario(inbox: Inbox) -> None:
        given = jobs(count)
        for job in given:
            inbox.put(job)
        inbox.end()
        assert inbox.take() == (given, True)

    use(scenario)
