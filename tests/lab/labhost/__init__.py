"""The lab: real systemd hosts in containers on this machine, good and bad ones, to judge probes by."""
