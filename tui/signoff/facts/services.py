"""The services that must not answer the internet: their usual ports, their names, and what they say."""

from __future__ import annotations

from dataclasses import dataclass
from re import Pattern
from re import compile as pattern


@dataclass(frozen=True)
class Datastore:
    """A kind of service that holds data, or power over the machine, and speaks to whoever connects.

    ``names`` matches the programs' and images' names, ``says`` what it answers to one of the MESSAGES.
    """

    kind: str
    title: str
    ports: tuple[int, ...]
    names: Pattern[str]
    says: Pattern[bytes]
    message: bytes = b""

    @property
    def speaks_http(self) -> bool:
        """Tell whether it answers plain HTTP requests."""
        return self.message.startswith(b"GET")


# What is sent to a port that does not speak first. None of them changes anything.
PING = b"PING\r\nPING\r\n"
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # PostgreSQL protocol, 54.7: SSLRequest
GET = b"GET / HTTP/1.0\r\nUser-Agent: signoff\r\n\r\n"
MESSAGES = (PING, SSL_REQUEST, GET)

DATASTORES: tuple[Datastore, ...] = (
    Datastore(
        "postgresql",
        "PostgreSQL",
        (5432, 5433, 6432),
        pattern(r"postgres|postgis|timescale|pgbouncer|pgvector|pgpool"),
        pattern(rb"\A[SN]\Z"),
        SSL_REQUEST,
    ),
    Datastore(
        "redis",
        "Redis",
        (6379, 6380, 16379, 26379),
        pattern(r"redis|valkey|keydb|dragonfly"),
        pattern(rb"\A(?:\+PONG|-NOAUTH|-DENIED|-NOPERM|-ERR (?:unknown command|wrong number|operation|max))"),
        PING,
    ),
    Datastore(
        "mysql",
        "MySQL or MariaDB",
        (3306, 33060),
        pattern(r"mysql|mariadb|percona"),
        pattern(rb"(?s)\A...\x00(?:\x0a\d|\xff)"),
    ),
    Datastore(
        "mongodb",
        "MongoDB",
        (27017, 27018, 27019),
        pattern(r"mongo"),
        pattern(rb"MongoDB over HTTP"),
        GET,
    ),
    Datastore(
        "elasticsearch",
        "Elasticsearch or OpenSearch",
        (9200, 9300),
        pattern(r"elasticsearch|opensearch"),
        pattern(
            rb"You Know, for Search|(?i:x-elastic-product)|\"cluster_name\"|realm=\"(?:security|OpenSearch)"
        ),
        GET,
    ),
    Datastore(
        "rabbitmq",
        "RabbitMQ",
        (5672, 5671, 15672, 25672, 4369),
        pattern(r"rabbitmq|^epmd$|^beam"),
        pattern(rb"\AAMQP|RabbitMQ"),
        PING,
    ),
    Datastore(
        "memcached",
        "Memcached",
        (11211,),
        pattern(r"memcached"),
        pattern(rb"\AERROR\r\n"),
        PING,
    ),
    Datastore(
        "docker-api",
        "the Docker API",
        (2375, 2376),
        pattern(r"(?!)"),
        pattern(rb"(?i)api-version: \d|docker-experimental:"),
        b"GET /_ping HTTP/1.0\r\nUser-Agent: signoff\r\n\r\n",
    ),
    Datastore("etcd", "etcd", (2379, 2380), pattern(r"etcd"), pattern(rb"(?i)x-etcd|etcdserver"), GET),
    Datastore(
        "clickhouse",
        "ClickHouse",
        (8123,),
        pattern(r"clickhouse"),
        pattern(rb"ClickHouse|port 9000 is for clickhouse"),
        GET,
    ),
    Datastore("cassandra", "Cassandra", (9042, 7000), pattern(r"cassandra|scylla"), pattern(rb"(?!)")),
    Datastore("couchdb", "CouchDB", (5984,), pattern(r"couchdb"), pattern(rb"(?i)couchdb"), GET),
    Datastore("influxdb", "InfluxDB", (8086,), pattern(r"influx"), pattern(rb"(?i)x-influxdb"), GET),
    Datastore("minio", "MinIO", (9001,), pattern(r"minio"), pattern(rb"(?i)server: minio"), GET),
    Datastore("mssql", "SQL Server", (1433,), pattern(r"sqlservr|mssql"), pattern(rb"(?!)")),
    Datastore(
        "oracle",
        "Oracle Database",
        (1521,),
        pattern(r"tnslsnr|oracle-(?:xe|free|database)"),
        pattern(rb"(?!)"),
    ),
    Datastore(
        "zookeeper-kafka", "ZooKeeper or Kafka", (2181, 9092), pattern(r"zookeeper|kafka"), pattern(rb"(?!)")
    ),
    Datastore("nats", "NATS", (4222,), pattern(r"nats"), pattern(rb"\AINFO \{")),
    Datastore("neo4j", "Neo4j", (7474, 7687), pattern(r"neo4j"), pattern(rb"(?i)neo4j"), GET),
)

OTHER_PORTS = (
    *(21, 23, 25, 81, 111, 139, 389, 445, 873, 1883, 2019, 2049, 2377, 3000, 3128, 3389, 4000, 5000),
    *(5001, 5173, 5555, 5601, 5900, 6443, 7946, 8000, 8001, 8008, 8080, 8081, 8082, 8088, 8443, 8500),
    *(8834, 8888, 9000, 9080, 9090, 9093, 9100, 9187, 9121, 9443, 10000, 10250, 19999, 50000, 61208),
)
"""What else is usually left open: application servers, admin panels, metrics, file and remote access."""

KNOWN_PORTS = frozenset(
    {port for store in DATASTORES for port in store.ports} | set(OTHER_PORTS) | {22, 80, 443}
)

_BY_KIND = {store.kind: store for store in DATASTORES}
_SPOKEN = (
    ("ssh", pattern(rb"\ASSH-\d")),
    ("smtp", pattern(rb"\A220[ -].*(?i:smtp|mail)")),
    ("ftp", pattern(rb"\A220[ -]")),
    ("http", pattern(rb"\AHTTP/\d")),
)


def datastore(kind: str) -> Datastore:
    """Return a datastore by its kind; raise KeyError where there is none of that name."""
    return _BY_KIND[kind]


def spoken(said: bytes) -> str:
    """Return what speaks like this: a datastore's kind, ``ssh``, ``http``, ...; empty where not known."""
    if not said:
        return ""
    for store in DATASTORES:
        if store.says.search(said):
            return store.kind
    return next((name for name, sounds in _SPOKEN if sounds.search(said)), "")


def kind_of_port(port: int) -> str:
    """Return the datastore that usually listens on a TCP port; empty where none does."""
    return next((store.kind for store in DATASTORES if port in store.ports), "")


def kind_of_name(*names: str) -> str:
    """Return the datastore that a process or an image is, by its name; empty where it is none."""
    shorts = [short for name in names if not _ABOUT.search(short := name.rpartition("/")[2].lower())]
    return next((store.kind for store in DATASTORES for short in shorts if store.names.search(short)), "")


# Programs that are about a datastore and are none themselves: redis_exporter, mongo-express, pgbackup.
_ABOUT = pattern(r"exporter|express|commander|insight|admin|backup")
