#!/usr/bin/env bash
# A histogram of hdr-histogram-js with a `bitBucketSize` of 8 or 16, which the README shows for those who have to save memory, counts up to 255 or 65,535 in each bucket and starts at zero again after that, without
# an error. The total goes on. So every percentile is looked for among more values than the buckets hold: after 300 calls of ten milliseconds and one of a second, the median is 0, and so
# is the 99th percentile; `mean` raises an error. With 16 bits, it is so after 70,000 calls of the same time, a few minutes of a busy service. The Java original raises an error at the call that is too many.
#
# Seen with hdr-histogram-js 3.0.1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund hdr-histogram-js@3.0.1 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import hdr from 'hdr-histogram-js';

const mean = (histogram) => {
  try {
    return Math.round(histogram.mean);
  } catch (error) {
    return error.message;
  }
};

for (const [bitBucketSize, calls] of [[8, 255], [8, 300], [16, 65_535], [16, 70_000], [32, 70_000]]) {
  const histogram = hdr.build({ bitBucketSize });
  for (let call = 0; call < calls; call += 1) histogram.recordValue(10);
  histogram.recordValue(1000);
  const [median, slow] = [50, 99].map((percentile) => histogram.getValueAtPercentile(percentile));
  console.log(`${bitBucketSize} bits, ${histogram.totalCount} calls: median ${median}, 99% ${slow}, mean ${mean(histogram)}`);
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx '8 bits, 256 calls: median 10, 99% 10, mean 14' <<< "$output"
grep -qx '8 bits, 301 calls: median 0, 99% 0, mean Index Out Of Bounds Exception' <<< "$output"
grep -qx '16 bits, 65536 calls: median 10, 99% 10, mean 10' <<< "$output"
grep -qx '16 bits, 70001 calls: median 0, 99% 0, mean Index Out Of Bounds Exception' <<< "$output"
grep -qx '32 bits, 70001 calls: median 10, 99% 10, mean 10' <<< "$output"
echo 'as found'
