# After trust.sh. What every SSH server that root runs would ask of each person who can log in, from the internet, from
# private networks, and from what its Match blocks name. Loopback is no way in from outside.
listening=$(ss -Hlntp | grep -o '"sshd",pid=[0-9]*' | grep -o '[0-9]*$' | sort -u)
for pid in $listening; do program_of "$pid" > /dev/null || stranger "$pid" sshd; done
for pid in $(processes dropbear); do left_out "dropbear, process $pid"; done
servers=$(set -f; for pid in $listening; do
    program=$(program_of "$pid") || continue
    # Its options stand in its title, from which only plain ones can be told.
    set -- $(tr '\0' ' ' < "/proc/$pid/cmdline" | sed 's/^sshd: //; s/ *\[listener\].*//')
    shift
    OPTIND=1 options=
    while getopts 46DdeiqC:c:E:f:g:h:k:o:p:u: option; do
        case $option in [fo]) options="$options -$option $OPTARG" ;; '?') left_out 'an option of sshd' ;; esac
    done
    [ "$OPTIND" -gt $# ] || left_out 'an option of sshd'
    printf '%s\n' "$program$options"
done | sort -u)
users=$({ echo root; getent passwd | awk -F : '$7 !~ /\/(nologin|false|sync)$/ { print $1 }'; } | awk '!seen[$0]++' | first 30 'login users')
matched=$(sed -n 's/^[[:space:]]*match .*address[[:space:]]*\([^[:space:]]*\).*/\1/Ip' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2> /dev/null |
    tr ',' '\n' | sed 's/^[!"]*//; s|[/"].*||; s/\*/1/g' | grep -vE '^(127\.|::1$)' | first 10 'addresses of Match blocks')
logins=$(printf '%s\n' "$servers" | while read -r server; do
    for user in $users; do
        for address in 203.0.113.7 2001:db8::7 10.0.0.1 192.168.0.1 $matched; do printf '%s from %s by %s\n' "$user" "$address" "$server"; done
    done
done | awk '!seen[$0]++')
head_of logins
printf '%s\n' "$logins" | show
only='^(passwordauthentication|kbdinteractiveauthentication|usepam|authenticationmethods|permitrootlogin) '
printf '%s\n' "$logins" | while read -r user from address by program options; do
    ask "$user from $address by $program${options:+ $options}" "$program" $options -T -C "user=$user,host=h,addr=$address"
done
