# The -save programs and "nft list" only read; "iptables -L" would make missing chains.
ask() {
    command -v "$1" >/dev/null 2>&1 || return 0
    answer=$("$@" 2>/dev/null)
    head_of "$*" "$?"
    printf '%s\n' "$answer" | show
}
programs='iptables-save ip6tables-save'
if command -v iptables-nft-save >/dev/null 2>&1 || command -v iptables-legacy-save >/dev/null 2>&1; then
    programs='iptables-nft-save ip6tables-nft-save iptables-legacy-save ip6tables-legacy-save'
fi
for program in $programs; do ask "$program"; done
if command -v nft >/dev/null 2>&1; then
    rules=$(nft -j list ruleset 2>/dev/null); status=$?
    # Sets of very many addresses are left out; what asks for them then cannot be told.
    terse=
    if [ "${#rules}" -gt 4000000 ]; then rules=$(nft -j -t list ruleset 2>/dev/null); status=$?; terse=terse; fi
    head_of nft "$status" $terse; printf '%s\n' "$rules" | show
fi
ask ufw status verbose
head_of ufw.conf; cat /etc/ufw/ufw.conf 2>/dev/null | show
head_of legacy; cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>/dev/null | show
head_of units
systemctl show -p Id -p LoadState -p UnitFileState -p ActiveState ufw.service nftables.service \
    netfilter-persistent.service firewalld.service iptables.service ip6tables.service \
    shorewall.service shorewall6.service ferm.service 2>/dev/null | show
# What the files for the next boot would refuse, if they are loaded at all.
head_of nftables.conf
included=$(sed -n 's/^[[:space:]]*include[[:space:]]*"\([^"]*\)".*/\1/p' /etc/nftables.conf 2>/dev/null)
# Not quoted: what is included may be a pattern.
grep -hsE '^[^#]*(flush ruleset|chain|hook|drop|reject)' /etc/nftables.conf $included | show
for file in /etc/iptables/rules.v4 /etc/iptables/rules.v6; do
    if [ -s "$file" ]; then head_of saved "$file"; show < "$file"; fi
done
