# After trust.sh: what is scheduled on this machine, the text of the scripts that it runs, who runs it, and when it last did.
systemd=; [ -d /run/systemd/system ] && systemd=yes
# wc counts line feeds, awk lines: there is one more where the last has none.
last_byte() { if [ "$(wc -l < "$1")" = "$(awk 'END { print NR }' "$1")" ]; then echo newline; else echo none; fi; }
content() { if [ -r "$1" ]; then first_bytes 65536 "$1" "$1" | show; fi; }
readable() { if [ -r "$1" ]; then echo readable; else echo unreadable; fi; }

crontabs() {
    for file in /etc/crontab /etc/cron.d/*; do
        [ -f "$file" ] || [ -L "$file" ] || continue
        set -- $(stat -L -c '%a %u %h' "$file" 2> /dev/null || echo '? ? ?') "$(stat -c %u "$file")"
        head_of system "$file" "$@" "$(readable "$file")" "$(last_byte "$file" 2> /dev/null)"
        content "$file"
    done
    if [ "$(id -u)" = 0 ]; then
        for file in /var/spool/cron/crontabs/* /var/spool/cron/*; do
            [ -f "$file" ] || continue
            user=${file##*/}
            if ! is_ours "$(id -u -- "$user" 2> /dev/null)"; then passed_over "the crontab of $user"; continue; fi
            head_of user "$user" $(stat -c '%a %u %h' "$file") "$(last_byte "$file")"
            crontab -l -u "$user" 2> /dev/null < /dev/null | show
        done
    elif mine=$(crontab -l 2> /dev/null < /dev/null); then
        head_of user "$(id -un)" 600 "$(id -u)" 1 newline
        printf '%s\n' "$mine" | show
    fi
    if [ -r /etc/anacrontab ] && command -v anacron > /dev/null; then
        head_of anacron; content /etc/anacrontab
        for stamp in /var/spool/anacron/*; do
            [ -r "$stamp" ] && head_of anacron-ran "${stamp##*/}" "$(date -d "$(cat "$stamp")" +%s)"
        done
    fi
}
parts() {
    for period in hourly daily weekly monthly; do
        folder=/etc/cron.$period
        [ -d "$folder" ] || continue
        head_of run-parts "$period"; run-parts --test "$folder" 2> /dev/null | show
        for file in "$folder"/*; do
            [ -f "$file" ] || continue
            head_of part "$period" "$file" "$(readable "$file")"
            content "$file"
        done
    done
}
units() {
    [ -n "$systemd" ] || return 0
    timers=$({
        # By a pattern: for --type systemd looks at every unit file there is, half a second long, and drops most of it.
        systemctl list-unit-files '*.timer' --no-legend --no-pager
        systemctl list-units --all --type=timer --plain --no-legend --no-pager
    } | awk '$1 !~ /@\.timer$/ && $1 ~ /\.timer$/ {print $1}' | sort -u)
    [ -n "$timers" ] || return 0
    head_of timers
    # In UTC whatever the host's zone is: the names of zones are ambiguous.
    TZ=UTC systemctl show --no-pager $timers \
        -p Id,LoadState,ActiveState,SubState,UnitFileState,Unit,Persistent,LastTriggerUSec,TimersCalendar,TimersMonotonic | show
    # A masked timer no longer says what it starts: by its name, then.
    services=$({
        printf '%s\n' $timers | sed 's/timer$/service/'
        systemctl show --no-pager -p Unit $timers | sed -n 's/^Unit=//p'
    } | sort -u)
    head_of services
    run=Result,User,ExecStart,ExecMainStatus,ExecMainStartTimestamp,ExecMainExitTimestamp
    conditions=ConditionResult,ConditionTimestamp,AssertResult,AssertTimestamp
    TZ=UTC systemctl show --no-pager -p "Id,LoadState,ActiveState,$run,$conditions" $services | show
    find /root/.config/systemd/user /home/*/.config/systemd/user -maxdepth 1 -name '*.timer' -type f $owned 2> /dev/null |
        first 50 "timers of users" | while IFS= read -r file; do head_of gap "the user timer $file"; done
}

words() { sed -n 's/^|//p' | grep -v '^[[:space:]]*#' | tr -s ' \t;|&()<>"'\''`={},$' '\n'; }
# The files that a text runs or might run: absolute paths, programs by name, and ./x or x.sh after a cd.
paths() {
    printf '%s\n' "$1" | sed -n 's/^|.*cd  *\([^ ;&|]*\).*[ ;&|]\([A-Za-z0-9_./-]*\.sh\).*/\1\/\2/p'
    printf '%s\n' "$1" | words | grep -E '^/[A-Za-z0-9._/@+-]+$' | grep -vE '^/(dev|proc|sys)/'
    printf '%s\n' "$1" | words | grep -E '^[A-Za-z][A-Za-z0-9._-]*$' | sort -u | first 4000 "words of the jobs that may be programs" |
        while read -r word; do command -v -- "$word"; done | grep -E '^/' |
        awk -F / '$0 !~ /^\/(usr\/)?s?bin\// || $NF ~ /backup/'
}
# Scripts alone are printed, and no file that is merely named in a command; none of the system's own.
programs() {
    paths "$1" | sort -u | first 300 "files that the jobs name" | while read -r file; do
        if [ -e "$file" ] && [ ! -f "$file" ]; then continue; fi
        # What somebody else has put there says nothing of the job.
        if [ -e "$file" ] && ! { owner_is_ours "$file" && is_ours "$(stat -L -c %u -- "$file")"; }; then
            passed_over "the file $file"
            continue
        fi
        case $file in
            /etc/cron.*) continue ;;
            /usr/local/*) ;;
            /usr/* | /bin/* | /sbin/* | /lib/*) case ${file##*/} in *backup* | *dump*) ;; *) continue ;; esac ;;
        esac
        if [ ! -e "$file" ]; then head_of absent "$file"; continue; fi
        mode="$(stat -L -c '%a' "$file" 2> /dev/null)"
        if [ ! -r "$file" ]; then head_of program "$file" "$mode" unreadable; continue; fi
        case $(peek 2 < "$file" | tr -d '\0'),$file in
            '#!'* | *.sh | *.py | *.pl | *.rb) head_of program "$file" "$mode" readable; content "$file" ;;
        esac
    done
}
# Containers that seem to make dumps, by their image, name or command; each in one line until that is told.
dumpers() {
    command -v docker > /dev/null || return 0
    ids=$(docker ps -aq 2> /dev/null) || { [ -S /run/docker.sock ] && head_of gap "the containers"; return 0; }
    [ -z "$ids" ] || docker inspect --format '#container{{"\t"}}{{.Name}}{{"\t"}}{{.State.Running}}{{"\t"}}{{.HostConfig.RestartPolicy.Name}}{{"\t"}}{{.Config.Image}}{{"\r"}}|{{.Path}} {{json .Args}}{{range .Config.Env}}{{if eq (index (split . "=") 0) "SCHEDULE"}}{{"\r"}}|{{json .}}{{end}}{{end}}' \
        $ids | grep -iE 'backup|pg_dump|pg-dump|pgdump' | tr '\r' '\n'
}

head_of now "$(date +%s)" "$(date +%z)" "$(ps -o etimes= -p 1 2> /dev/null | tr -d ' ')"
[ "$(id -u)" = 0 ] || head_of gap "the crontabs of other users"

# Who would run them.
if [ -n "$systemd" ]; then
    head_of cron-units
    systemctl show --no-pager -p Id,LoadState,ActiveState,UnitFileState cron.service crond.service cronie.service | show
else
    # Neither a container's daemon nor a process that is merely called so.
    for pid in $(processes cron crond); do
        if is_root "$pid"; then head_of cron-process cron; fi
    done
fi
head_of flavour "$(command -v cron)"
head_of users; { getent passwd 2> /dev/null || cat /etc/passwd; } | cut -d: -f1,3 | show
# Whose jobs PAM refuses: accounts that have expired, and passwords that are to be changed first (shadow(5)).
head_of refused
getent shadow 2> /dev/null | awk -F : -v today="$(($(date +%s) / 86400))" '
    $8 != "" && $8 <= today { print $1 "\tthe account has expired"; next }
    $3 == "0" || ($5 != "" && $5 < 99999 && $3 + $5 < today) { print $1 "\tits password has expired" }' | show
first=$(crontabs; parts; units; dumpers)
second=$(programs "$first")
printf '%s\n' "$first" "$second" "$(programs "$second")"

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
