"""What a user of kibana-py's asynchronous client does with cases; takes the same arguments as the other script."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

from kibana import AsyncKibana  # type: ignore[import-not-found]
from kibana_py_script import LOGIN, Story, expect, release_of  # type: ignore[import-not-found]


async def at_once(client: Any) -> None:
    made = await asyncio.gather(
        *(client.cases.create(title=f"Case {number}", description="d", tags=["many"]) for number in range(20))
    )
    ids = [answer.body["id"] for answer in made]
    read = await asyncio.gather(*(client.cases.get(case_id=identifier) for identifier in ids))
    expect("read", [answer.body["title"] for answer in read], [f"Case {number}" for number in range(20)])
    await asyncio.gather(*(client.cases.add_comment(case_id=ids[0], comment=str(number)) for number in range(5)))
    comments = await client.cases.get_comments(case_id=ids[0])
    expect("comments", sorted(one["comment"] for one in comments.body["comments"]), list("01234"))
    await client.cases.delete(ids=ids)


def main() -> None:
    url, version, jira = sys.argv[1:]
    with asyncio.Runner() as runner:

        async def connect() -> Any:
            return AsyncKibana(url, basic_auth=LOGIN)

        client = runner.run(connect())
        try:
            story = Story(client, runner.run, release_of(version), jira)
            story.tell()
            story.in_a_space("soc")
            runner.run(at_once(client))
        finally:
            runner.run(client.close())
    print("ok")


if __name__ == "__main__":
    main()
