#!/usr/bin/env bash
# `promtool check rules` calls two alerts duplicates that have a name and labels in common and differ in the expression, such as the same alert
# for two jobs. "Might cause inconsistency while recording expressions", it says, but an alert records nothing. The rules are loaded and both
# fire, as `promtool test rules` shows; but with `--lint-fatal`, which is meant for CI, the file does not pass.
#
# Seen with promtool 2.42.0, of Debian's package prometheus 2.42.0+ds-5+deb12u1.
# Prints "as found" and exits with 0 while it is so; exits with 1 when it has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq prometheus=2.42.0+ds-5+deb12u1 2> /dev/null
dpkg -x prometheus_*.deb .
promtool=usr/bin/promtool

cat > rules.yml <<'YAML'
groups:
  - name: servers
    rules:
      - alert: Down
        expr: up{job="shop"} == 0
        for: 1m
        labels: {severity: page}
      - alert: Down
        expr: up{job="mail"} == 0
        for: 5m
        labels: {severity: page}
YAML
cat > test.yml <<'YAML'
rule_files: [rules.yml]
tests:
  - interval: 1m
    input_series:
      - {series: 'up{job="shop"}', values: '0x9'}
      - {series: 'up{job="mail"}', values: '0x9'}
    alert_rule_test:
      - alertname: Down
        eval_time: 8m
        exp_alerts:
          - exp_labels: {severity: page, job: shop}
          - exp_labels: {severity: page, job: mail}
YAML

says() {
    local code=0
    "$promtool" "$@" > says.txt 2>&1 || code=$?
    echo "$* ($code): $(tr -s '\n\t ' ' ' < says.txt)"
}
{
    says check rules rules.yml
    says check rules --lint-fatal rules.yml
    says test rules test.yml
} | tee output

grep -q '^check rules rules.yml (0): .* 1 duplicate rule(s) found. Metric: Down .* Might cause inconsistency while recording expressions' output
grep -q '^check rules --lint-fatal rules.yml (3): .* 1 duplicate rule(s) found. Metric: Down ' output
grep -q '^test rules test.yml (0): .*SUCCESS' output
echo 'as found'
