#!/usr/bin/env bash
# The batch span processor of OpenTelemetry's SDK for Python takes `export_timeout_millis`, and its `force_flush` takes `timeout_millis` and tells whether it ended in time. Neither number
# is used. A flush of at most 100 milliseconds, before a function is frozen or a process ends, takes as long as the exporter does, here two seconds, and
# returns True. It returns True also where every export failed and the spans are lost.
#
# Seen with opentelemetry-sdk 1.45.2.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --only-binary :all: opentelemetry-sdk==1.45.2 2> /dev/null
cat > finding.py <<'PYTHON'
import time

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult


class SlowExporter(SpanExporter):
    def export(self, spans):
        time.sleep(2)
        return SpanExportResult.FAILURE


provider = TracerProvider()
processor = BatchSpanProcessor(SlowExporter(), schedule_delay_millis=600_000, export_timeout_millis=100)
provider.add_span_processor(processor)
for name, flush in [("processor", processor.force_flush), ("provider", provider.force_flush)]:
    with provider.get_tracer("finding").start_as_current_span("work"):
        pass
    begin = time.monotonic()
    flushed = flush(timeout_millis=100)
    print(f"{name}: {flushed} after {time.monotonic() - begin:.0f} s")
PYTHON

output=$(venv/bin/python finding.py)
echo "$output"
grep -qx 'processor: True after 2 s' <<< "$output"
grep -qx 'provider: True after 2 s' <<< "$output"
echo 'as found'
