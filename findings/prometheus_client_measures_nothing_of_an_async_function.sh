#!/usr/bin/env bash
# The decorators of prometheus_client know functions and not coroutines: on an `async def` they measure how long it takes to make the coroutine. A handler of 0.3 seconds is a
# duration of some microseconds in the histogram and in the summary, its errors are none for `count_exceptions()`, and `track_inprogress()` is at 0 while it runs. So a dashboard shows a
# fast service without errors, whatever it does. Nothing is raised, and the decorated function is awaited as before. As context managers, the four
# count right.
#
# Seen with prometheus_client 0.26.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: prometheus_client==0.26.0 2> /dev/null
cat > finding.py <<'PYTHON'
import asyncio
from contextlib import ExitStack

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Summary


async def observe(name, decorate):
    registry = CollectorRegistry()
    metrics = [
        Histogram("histogram", "text", registry=registry).time,
        Summary("summary", "text", registry=registry).time,
        Counter("errors", "text", registry=registry).count_exceptions,
        Gauge("running", "text", registry=registry).track_inprogress,
    ]

    async def handler():
        await asyncio.sleep(0.3)
        handler.running = registry.get_sample_value("running")
        raise OSError("down")

    try:
        await decorate(handler, metrics)()
    except OSError:
        pass
    values = {name: round(registry.get_sample_value(name), 1) for name in ["histogram_sum", "histogram_count", "summary_sum", "errors_total"]}
    print(f"{name}: {values}, running {handler.running:.0f}")


def by_decorators(handler, metrics):
    for metric in metrics:
        handler = metric()(handler)
    return handler


def by_contexts(handler, metrics):
    async def wrapped():
        with ExitStack() as stack:
            for metric in metrics:
                stack.enter_context(metric())
            await handler()

    return wrapped


asyncio.run(observe("decorators", by_decorators))
asyncio.run(observe("contexts", by_contexts))
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx "decorators: {'histogram_sum': 0.0, 'histogram_count': 1.0, 'summary_sum': 0.0, 'errors_total': 0.0}, running 0" <<< "$output"
grep -qEx "contexts: \{'histogram_sum': 0.[3-5], 'histogram_count': 1.0, 'summary_sum': 0.[3-5], 'errors_total': 1.0\}, running 1" <<< "$output"
echo 'as found'
