#!/usr/bin/env bash
# A unit test of promtool that expects no alert passes for an alert that no rule has. So a test that an alert keeps quiet goes on to pass after the alert is renamed, or
# from the start with a slip in its name; and where a rule file is moved, all tests of that kind pass with no rule loaded at all, with a warning on the way and an exit
# code of 0. The same tests fail, as they should, where the name and the file are right and the alert fires.
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
  - name: servers
    rules:
      - alert: ServerDown
        expr: up == 0
        for: 1m
YAML
# $1 is the file of rules, $2 the name of the alert
keeps_quiet() {
    cat <<YAML
rule_files: [$1]
tests:
  - interval: 1m
    input_series: [{series: 'up{job="shop"}', values: '0x9'}]
    alert_rule_test: [{alertname: $2, eval_time: 5m, exp_alerts: []}]
YAML
}
keeps_quiet rules.yml ServerDown > right.yml
keeps_quiet rules.yml ServerDwon > misspelt.yml
keeps_quiet moved.yml ServerDown > no_rules.yml

says() {
    local code=0
    "$promtool" "$@" > says.txt 2>&1 || code=$?
    echo "$* ($code): $(tr -s '\n\t ' ' ' < says.txt)"
}
{
    says test rules right.yml
    says test rules misspelt.yml
    says test rules no_rules.yml
} | tee output

grep -q '^test rules right.yml (1): .*FAILED' output
grep -q '^test rules misspelt.yml (0): .*SUCCESS' output
grep -q '^test rules no_rules.yml (0): .*WARNING: no file match pattern moved.yml.*SUCCESS' output
echo 'as found'
