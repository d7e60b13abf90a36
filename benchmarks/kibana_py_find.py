"""Find all cases with kibana-py, which hands out dicts; runs under an interpreter that has it.

Arguments: the server's URL, the size of a page. Finds all cases once for each line on its input, and prints how
many they were and the seconds that took, by the clock and of this process's CPU.
"""

from __future__ import annotations

import sys
import time

from kibana import Kibana  # type: ignore[import-not-found]


def main() -> None:
    url, size = sys.argv[1], int(sys.argv[2])
    client = Kibana(url, basic_auth=("elastic", "changeme"))
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        count = found(client, size)
        print(count, time.perf_counter() - wall, time.process_time() - cpu, flush=True)
    client.close()


def found(client: Kibana, size: int) -> int:
    cases: dict[str, dict[str, object]] = {}
    page = 1
    while True:
        answer = client.cases.find(page=page, per_page=size, sort_field="createdAt", sort_order="desc").body
        cases |= {case["id"]: case for case in answer["cases"]}
        if page * size >= answer["total"]:
            return sum(case["status"] == "open" for case in cases.values())
        page += 1


if __name__ == "__main__":
    main()
