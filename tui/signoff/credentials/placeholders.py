"""Values that everybody knows: what the manuals print, what images ship with, what says "change me".

zxcvbn does not know these: it gives ``your-secret-key-here`` its best score.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from typing import Final


def words_of(text: str) -> frozenset[str]:
    """Return the words of a list that is written as a text."""
    return frozenset(text.split())


# Whole values, normalised (small letters and digits only).
_DEFAULTS: Final = words_of(
    """
    123e4567e89b12d3a456426614174000 550e8400e29b41d4a716446655440000 f47ac10b58cc4372a5670e02b2c3d479
    01234567890123456789012345678901
    000000 00000000 0123456789 0123456789abcdef 0123456789abcdef0123456789abcdef
    09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7 111111 11111111 123123 123321 123456
    1234567 12345678 123456789 1234567890 192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf
    1q2w3e4r 1qaz2wsx 5y2lf4q8znec 5y2lf4q8znxec 654321 abc abc123 abcd1234 abcdef abcdefgh accesskey
    admin admin1 admin123 adminadmin administrator adminpass adminpassword airflow akiaiosfodnn7example
    ansible apikey appkey appsecret asdf asdfasdf asdfgh bar baseball baz cassandra changeit cisco
    correcthorsebatterystaple couchdb deadbeef deadbeefdeadbeefdeadbeefdeadbeef debian default defaults
    demo dev develop development devsecret devsecretkey directus discourse django docker dragon drupal
    dummy elastic elasticsearch empty example fake fastapi fixme flask foo foobar foobarbaz football ghost
    gitea gitlab grafana guest guestguest hasura hello helloworld hunter2 iloveyou influxdb insecure
    jenkins jwtsecret jwtsecretkey key keyboardcat keycloak kibana laravel ldap letmein local localhost
    mariadb master matomo metabase minio minio123 minioaccesskey minioadmin miniosecretkey mongo mongodb
    mongopassword monkey mypass mypassword mysecret mysecretkey mysecretpassword mysecretpw mysql
    nextcloud nexus nil none nothing notsecret notsosecret null openldap oracle parol pass pass123
    pass1234 passphrase passw0rd passwd password password1 password12 password123 password1234 pgadmin
    pgpassword postgres postgrespassword postgrespw postgresql princess privatekey prod production
    prometheus puppet pwd q1w2e3r4 qwerty qwerty123 qwertyuiop rabbit rabbitmq raspberry redis redispass
    redispassword root rootpass rootpassword rootroot s3cret sa sample secret secretkey secretpassword
    secrets secretsecret sentry sessionsecret shadow sonar sonarqube staging strapi sunshine supabase
    superman supersecret supersecretkey superset tbd test test123 tester testing testtest todo token
    tomcat toor topsecret trustno1 ubuntu undefined unsafe user username userpassword vagrant verysecret
    verysecretkey verysecure welcome welcome1 welcome123 wjalrxutnfemik7mdengbpxrficyexamplekey wordpress
    xxx xxxx xxxxx xxxxxx xxxxxxxx your256bitsecret your512bitsecret zabbix zabbixpassword zxcvbn
    """
)

# Anywhere in a value, normalised: no generator makes these by chance, whatever stands around them.
_TELLING: Final = words_of(
    """
    changebefore changeit changeme changethis developmentonly devonly djangoinsecure donotuse dontuse
    examplekey
    enteryour fillin generateme generatethis insertyour keyhere longrandomstring mustchange mysecretkey
    mysecretpassword notasecret notforproduction passwordhere placeholder pleasechange puthere
    randomsecret randomstring replaceme replacethis replacewith secrethere secretkeyhere setyour
    somerandomstring supersecretkey testonly thisisasecret thisisnotasecret tobechanged tokenhere
    valuehere yourapi yourdb yourdomain yourjwt yourkey yourown yourpassword yoursecret yoursmtp yoursuper
    yourtoken yourvalue
    """
)

# Words that make no secret, however they are put together.
_WORDS: Final = words_of(
    """
    a abc actual admin administrator an and api app application at auth backend bar baz bit bits by celery
    change characters chars complex compose cookie csrf database db default demo dev develop development
    django docker dummy email example express fake fastapi fixme flask foo for frontend generate generated
    guest hello here in insecure is it jwt key keys laravel least letmein local localhost long mail main
    mariadb master me min minimum minio mongo mongodb my mysql new no node not oauth of old or our pass
    passphrase passwd password passwords pg please postgres postgresql prod production pwd qwerty rabbitmq
    rails random real really redis replace root safe sample secret secrets secure server service session
    signing site smtp so some something stage staging string strong super tbd temp test tester testing
    that the this tmp to todo token tokens unsafe user value very web website welcome with world xxx xxxx
    xyz your
    """
)

_PATTERN: Final = re.compile(r"<.*>|\[.*\]|\{\{.*\}\}|(.)\1{3,}", re.DOTALL)
"""``<your key>``, ``{{ key }}``, ``xxxxxxxx``."""
_LEET: Final = str.maketrans("@013457$!", "aoieastsi")
_DIGEST: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}", re.IGNORECASE)
_LEAST_RANDOM_RUN: Final = 22
"""Characters of letters and digits that hold 128 bits."""


def normalise(text: str) -> str:
    """Return the small letters and digits of ``text``: ``Change-Me!`` is ``changeme``."""
    return "".join(c for c in text.casefold() if c.isascii() and c.isalnum())


def is_default(value: str) -> bool:
    """Tell whether the whole value is a well-known one, however it is written, or the digest of one."""
    if _DIGEST.fullmatch(value) and value.casefold() in _digests():
        return True
    return normalise(value) in _DEFAULTS or normalise(value.translate(_LEET)) in _DEFAULTS


@cache
def _digests() -> frozenset[str]:
    """What ``echo password | md5sum`` prints, with and without its line feed, for every well-known value."""
    return frozenset(
        hashlib.new(kind, text.encode(), usedforsecurity=False).hexdigest()
        for word in ("", *_DEFAULTS)
        for text in (word, f"{word}\n")
        for kind in ("md5", "sha1", "sha256")
    )


def is_placeholder(value: str, names: Iterable[str] = ()) -> bool:
    """Tell whether a value is a known default, says that it is to be replaced, or is made of such words.

    ``names`` are further words that make no secret: the host's, the project's. A long random value that
    happens to hold ``test`` or ``example`` is no placeholder.
    """
    plain = normalise(value)
    if is_default(value) or _PATTERN.fullmatch(value) or any(phrase in plain for phrase in _TELLING):
        return True
    if "example" in plain and not _has_random_run(value):
        return True
    return _only_words(value, frozenset(names) | _WORDS)


def _has_random_run(value: str) -> bool:
    runs = re.findall(rf"[A-Za-z0-9+/=]{{{_LEAST_RANDOM_RUN},}}", value)
    return any(re.search(r"\d", run) and re.search(r"[A-Za-z]", run) for run in runs)


def _only_words(value: str, known: frozenset[str]) -> bool:
    # "Admin-Secret-2024" is read as admin and secret; nothing is left when the words and numbers are gone.
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", value).casefold()
    for text in (spaced, spaced.translate(_LEET)):
        words = re.findall(r"[a-z]+", text)
        letters = sum(map(len, words))
        if letters * 2 >= len(normalise(text)) > 0 and all(word in known for word in words):
            return True
    return False
