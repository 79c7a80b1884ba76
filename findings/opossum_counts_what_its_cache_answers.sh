#!/usr/bin/env bash
# A breaker of opossum opens when the failures are more than `errorThresholdPercentage` of its calls, and with `cache: true`, those that its cache answers are among the calls. They never reach the service, so they
# say nothing of it, and they outweigh those that do. With 60 of 100 calls answered by the cache, all 40 that go to a service that is down fail, and the breaker, which is to open at
# 50 per cent, stays closed. Without the cache, it opens with the tenth. The better the cache, the longer a dead service is called.
#
# Seen with opossum 10.0.0.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes > /dev/null
npm install --silent --no-audit --no-fund opossum@10.0.0 > /dev/null 2>&1
cat > finding.mjs <<'JAVASCRIPT'
import CircuitBreaker from 'opossum';

for (const cache of [false, true]) {
  let down = false;
  let calls = 0;
  const breaker = new CircuitBreaker(async (key) => {
    if (key === 'popular') return 'answer';
    calls += 1;
    if (down) throw new Error('down');
    return 'answer';
  }, { cache, cacheTTL: 60_000, errorThresholdPercentage: 50, volumeThreshold: 10, rollingCountTimeout: 60_000 });

  await breaker.fire('popular');
  down = true;
  for (let round = 0; round < 20; round += 1) {
    if (cache) for (let hit = 0; hit < 3; hit += 1) await breaker.fire('popular');
    for (const half of ['a', 'b']) await breaker.fire(`rare ${round} ${half}`).catch(() => {});
  }
  const { failures, cacheHits } = breaker.stats;
  console.log(`cache ${cache}: ${calls} calls to a service that is down, ${failures} failures, ${cacheHits} from the cache, ${breaker.opened ? 'open' : 'closed'}`);
  breaker.shutdown();
}
JAVASCRIPT

output=$(node finding.mjs)
echo "$output"
grep -qx 'cache false: .* open' <<< "$output"
grep -qx 'cache true: 40 calls to a service that is down, 40 failures, 60 from the cache, closed' <<< "$output"
echo 'as found'
