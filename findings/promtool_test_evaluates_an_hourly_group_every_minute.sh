#!/usr/bin/env bash
# A group of Prometheus rules has an `interval`, which says how often the group is evaluated. A unit test of promtool does not look at it, and evaluates all groups at the
# `evaluation_interval` of the test file, a minute if it is not set. So an hourly group has a value for each minute, and an alert in it with `for: 2m` fires in the third
# minute; in Prometheus, the value is there for five minutes of each hour, and the alert fires after an hour at the earliest. Of the test file and the rule file, neither
# draws a warning.
#
# Seen with promtool 2.42.0, of Debian's package prometheus 2.42.0+ds-5+deb12u1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq prometheus=2.42.0+ds-5+deb12u1 2> /dev/null || { echo 'the package cannot be had' >&2; exit 2; }
dpkg -x prometheus_*.deb .
promtool=usr/bin/promtool

cat > rules.yml <<'YAML'
groups:
  - name: hourly
    interval: 1h
    rules:
      - record: copy
        expr: minute
      - alert: Late
        expr: minute >= 0
        for: 2m
YAML
# $1 is the interval of evaluation, $2 the number of values in an hour
test_file() {
    cat <<YAML
rule_files: [rules.yml]
evaluation_interval: $1
tests:
  - interval: 1m
    input_series: [{series: minute, values: '0+1x120'}]
    promql_expr_test: [{expr: 'count_over_time(copy[1h])', eval_time: 90m, exp_samples: [{labels: '{}', value: $2}]}]
    alert_rule_test: [{alertname: Late, eval_time: 3m, exp_alerts: [$3]}]
YAML
}
test_file 1m 61 '{}' > every_minute.yml
test_file 1h 1 '' > every_hour.yml

says() {
    local code=0
    "$promtool" "$@" > says.txt 2>&1 || code=$?
    echo "$* ($code): $(tr -s '\n\t ' ' ' < says.txt)"
}
{
    says check rules rules.yml
    says test rules every_minute.yml
    says test rules every_hour.yml
} | tee output

grep -q '^check rules rules.yml (0): .*SUCCESS: 2 rules found' output
grep -q '^test rules every_minute.yml (0): .*SUCCESS' output
grep -q '^test rules every_hour.yml (0): .*SUCCESS' output
echo 'as found'
