# After trust.sh and scheduled.sh: who runs what is scheduled, and when it last did.
head_of now "$(date +%s)" "$(date +%z)" "$(ps -o etimes= -p 1 2> /dev/null | tr -d ' ')"
[ "$(id -u)" = 0 ] || head_of gap "the crontabs of other users"

# Who would run them.
if [ -n "$systemd" ]; then
    head_of cron-units
    systemctl show --no-pager -p Id -p LoadState -p ActiveState -p UnitFileState \
        cron.service crond.service cronie.service | show
else
    # Neither a container's daemon nor a process that is merely called so.
    for pid in $(processes cron crond); do
        if is_root "$pid"; then head_of cron-process cron; fi
    done
fi
head_of flavour "$(command -v cron > /dev/null && echo cron)" "$(command -v crond > /dev/null && echo crond)"
head_of users; { getent passwd 2> /dev/null || cat /etc/passwd; } | cut -d: -f1,3 | show
# Whose jobs PAM refuses: accounts that have expired, and passwords that are to be changed first (shadow(5)).
head_of refused
getent shadow 2> /dev/null | awk -F : -v today="$(($(date +%s) / 86400))" '
    $8 != "" && $8 <= today { print $1 "\tthe account has expired"; next }
    $3 == "0" || ($5 != "" && $5 < 99999 && $3 + $5 < today) { print $1 "\tits password has expired" }' | show
printf '%s\n' "$first" "$second" "$third"

# Each thing that cron said: when first, when last, how often. Only with the system's journal in sight.
if [ -n "$(journalctl -q -n 1 _UID=0 2> /dev/null)" ]; then
    head_of journal "$(journalctl -q --no-pager -o short-unix 2> /dev/null | one | cut -d. -f1)"
    # Anybody may call themselves cron there; whose word it is the journal knows itself (systemd.journal-fields(7)).
    journalctl -q --no-pager -o short-unix --since=-8d _UID=0 SYSLOG_IDENTIFIER=CRON SYSLOG_IDENTIFIER=CROND \
        SYSLOG_IDENTIFIER=crond SYSLOG_IDENTIFIER=cron 2> /dev/null |
        awk -v others="$(getent passwd | while IFS=: read -r name word uid rest; do is_ours "$uid" || printf '(%s) ' "$name"; done)" '
             # What cron says of the jobs of others may be very much.
             index(others, $4) { next }
             { time = int($1); sub(/^[^ ]+ [^ ]+ [^ ]+ /, "")
               last[$0] = time; count[$0]++ }
             END { for (said in last) printf "%d\t%d\t%s\n", last[said], count[said], said }' | first 5000 "what cron said" | show
fi
