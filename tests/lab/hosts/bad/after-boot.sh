#!/bin/sh
# The operator changes a secret in .env and forgets that containers keep the environment that they were made with.
set -eu
sed -i 's/^SMTP_PASSWORD=.*/SMTP_PASSWORD=mail-password-2/' /srv/shop/.env
