#!/bin/sh
# The AWS CLI in a loop: aws_cli.sh OPERATION DOMAIN FILE PYTHON; FILE has an id a line, PYTHON has awscli.
set -eu
while read -r speaker; do
  "$4" -m awscli voice-id "$1" --domain-id "$2" --speaker-id "$speaker" >/dev/null
done <"$3"
