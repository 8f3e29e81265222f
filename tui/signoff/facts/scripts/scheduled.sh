# After trust.sh: what is scheduled on this machine, and the text of the scripts that it runs: functions that read, and print.
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
    TZ=UTC systemctl show --no-pager -p Id -p LoadState -p ActiveState -p SubState -p UnitFileState -p Unit -p Persistent \
        -p LastTriggerUSec -p NextElapseUSecRealtime -p TimersCalendar -p TimersMonotonic $timers | show
    # A masked timer no longer says what it starts: by its name, then.
    services=$({
        printf '%s\n' $timers | sed 's/timer$/service/'
        systemctl show --no-pager -p Unit $timers | sed -n 's/^Unit=//p'
    } | sort -u)
    head_of services
    TZ=UTC systemctl show --no-pager -p Id -p LoadState -p ActiveState -p Result -p ExecMainStatus -p User \
        -p ExecMainStartTimestamp -p ExecMainExitTimestamp -p ExecStart -p FragmentPath -p ConditionResult \
        -p ConditionTimestamp -p AssertResult -p AssertTimestamp $services | show
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
# Containers that seem to make dumps, by their image, name or command.
dumpers() {
    command -v docker > /dev/null || return 0
    ids=$(docker ps -aq 2> /dev/null) || { [ -S /run/docker.sock ] && head_of gap "the containers"; return 0; }
    [ -n "$ids" ] || return 0
    docker inspect --format '#container{{"\t"}}{{.Name}}{{"\t"}}{{.State.Running}}{{"\t"}}{{.HostConfig.RestartPolicy.Name}}{{"\t"}}{{.Config.Image}}{{"\n"}}|{{.Path}} {{json .Args}}{{range .Config.Env}}{{"\n"}}|{{json .}}{{end}}' \
        $ids | awk -v wanted='backup|pg_dump|pg-dump|pgdump' '/^#container/ { if (match(tolower(text), wanted)) printf "%s", text; text = "" }
                    { if (!/^\|"/ || /^\|"SCHEDULE=/) text = text $0 "\n" }
                    END { if (match(tolower(text), wanted)) printf "%s", text }'
}

first=$(crontabs; parts; units; dumpers)
second=$(programs "$first")
third=$(programs "$second")
