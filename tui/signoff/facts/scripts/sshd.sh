# After trust.sh. What every SSH server that root runs would ask of each person who can log in, from the internet, from
# private networks, and from what its Match blocks name. Loopback is no way in from outside.
for pid in $(processes dropbear); do left_out "dropbear, process $pid"; done
servers=$(for pid in $(ss -Hlntp | grep -o '"sshd",pid=[0-9]*' | grep -o '[0-9]*$' | sort -u); do
    program=$(program_of "$pid") || { stranger "$pid" sshd; continue; }
    # Its options stand in its title, from which only plain ones can be told. With -E it would write a file.
    options=$(tr '\0' ' ' < "/proc/$pid/cmdline" | sed 's/^sshd: //; s/ *\[listener\].*//; s/^[^ ]*//; s/ *$//')
    case $options in *' -E'* | *[!A-Za-z0-9_./:=,@%+\ -]*) left_out 'an option of sshd'; options= ;; esac
    printf '%s\n' "$program$options"
done | sort -u)
users=$({ echo root; getent passwd | awk -F : '$7 !~ /\/(nologin|false|sync)$/ { print $1 }'; } | awk '!seen[$0]++' | first 30 'login users')
matched=$(sed -n 's/^[[:space:]]*match .*address[[:space:]]*\([^[:space:]]*\).*/\1/Ip' /etc/ssh/sshd_config /etc/ssh/sshd_config.d/*.conf 2> /dev/null |
    tr ',' '\n' | sed 's/^[!"]*//; s|[/"].*||; s/\*/1/g' | grep -vE '^(127\.|::1$)' | first 10 'addresses of Match blocks')
logins=$(IFS=$nl; for server in $servers; do for user in $users; do
    for address in 203.0.113.7 2001:db8::7 10.0.0.1 192.168.0.1 $matched; do echo "$user from $address by $server"; done
done; done | awk '!seen[$0]++')
head_of logins
printf '%s\n' "$logins" | grep . | show
only='^(passwordauthentication|kbdinteractiveauthentication|usepam|authenticationmethods|permitrootlogin) '
printf '%s\n' "$logins" | grep . | while read -r user from address by program options; do
    ask "$user from $address by $program${options:+ $options}" "$program" -T -C "user=$user,host=h,addr=$address" $options
done
