"""The services that must not answer the internet: their usual ports, their names, and what they say."""

from __future__ import annotations

import re
from dataclasses import dataclass

# What is sent to a port that does not speak first. None of them changes anything.
PING = b"PING\r\nPING\r\n"
SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"  # PostgreSQL protocol, 54.7: SSLRequest
GET = b"GET / HTTP/1.0\r\nUser-Agent: signoff\r\n\r\n"
MESSAGES = (PING, SSL_REQUEST, GET)


@dataclass(frozen=True)
class Datastore:
    """A kind of service that holds data, or power over the machine, and speaks to whoever connects.

    ``names`` is a pattern of the programs' and images' names, ``message`` what it is asked first.
    """

    kind: str
    title: str
    ports: tuple[int, ...]
    names: str
    message: bytes = b""


_POSTGRES = r"postgres|postgis|timescale|pgbouncer|pgvector|pgpool"
_DOCKER = b"GET /_ping HTTP/1.0\r\nUser-Agent: signoff\r\n\r\n"

DATASTORES = (
    Datastore("postgresql", "PostgreSQL", (5432, 5433, 6432), _POSTGRES, SSL_REQUEST),
    Datastore("redis", "Redis", (6379, 6380, 16379, 26379), r"redis|valkey|keydb|dragonfly", PING),
    Datastore("mysql", "MySQL or MariaDB", (3306, 33060), r"mysql|mariadb|percona"),
    Datastore("mongodb", "MongoDB", (27017, 27018, 27019), r"mongo", GET),
    Datastore("elasticsearch", "Elasticsearch or OpenSearch", (9200, 9300), r"elasticsearch|opensearch", GET),
    Datastore("rabbitmq", "RabbitMQ", (5672, 5671, 15672, 25672, 4369), r"rabbitmq|^epmd$|^beam", PING),
    Datastore("memcached", "Memcached", (11211,), r"memcached", PING),
    Datastore("docker-api", "the Docker API", (2375, 2376), r"(?!)", _DOCKER),
    Datastore("etcd", "etcd", (2379, 2380), r"etcd", GET),
    Datastore("clickhouse", "ClickHouse", (8123,), r"clickhouse", GET),
    Datastore("cassandra", "Cassandra", (9042, 7000), r"cassandra|scylla"),
    Datastore("couchdb", "CouchDB", (5984,), r"couchdb", GET),
    Datastore("influxdb", "InfluxDB", (8086,), r"influx", GET),
    Datastore("minio", "MinIO", (9001,), r"minio", GET),
    Datastore("mssql", "SQL Server", (1433,), r"sqlservr|mssql"),
    Datastore("oracle", "Oracle Database", (1521,), r"tnslsnr|oracle-(?:xe|free|database)"),
    Datastore("zookeeper-kafka", "ZooKeeper or Kafka", (2181, 9092), r"zookeeper|kafka"),
    Datastore("nats", "NATS", (4222,), r"nats"),
    Datastore("neo4j", "Neo4j", (7474, 7687), r"neo4j", GET),
)

_SAYS = {
    "postgresql": rb"\A[SN]\Z",
    "redis": rb"\A(?:\+PONG|-NOAUTH|-DENIED|-NOPERM|-ERR (?:unknown command|wrong number|operation|max))",
    "mysql": rb"(?s)\A...\x00(?:\x0a\d|\xff)",
    "mongodb": rb"MongoDB over HTTP",
    "elasticsearch": rb"You Know, for Search|(?i:x-elastic-product)|\"cluster_name\""
    rb"|realm=\"(?:security|OpenSearch)",
    "rabbitmq": rb"\AAMQP|RabbitMQ",
    "memcached": rb"\AERROR\r\n",
    "docker-api": rb"(?i)api-version: \d|docker-experimental:",
    "etcd": rb"(?i)x-etcd|etcdserver",
    "clickhouse": rb"ClickHouse|port 9000 is for clickhouse",
    "couchdb": rb"(?i)couchdb",
    "influxdb": rb"(?i)x-influxdb",
    "minio": rb"(?i)server: minio",
    "nats": rb"\AINFO \{",
    "neo4j": rb"(?i)neo4j",
    "ssh": rb"\ASSH-\d",
    "smtp": rb"\A220[ -].*(?i:smtp|mail)",
    "ftp": rb"\A220[ -]",
    "http": rb"\AHTTP/\d",
}
"""What they answer to one of the messages, and what others do that are no datastores: the first that fits."""

OTHER_PORTS = (
    *(21, 23, 25, 81, 111, 139, 389, 445, 873, 1883, 2019, 2049, 2377, 3000, 3128, 3389, 4000, 5000),
    *(5001, 5173, 5555, 5601, 5900, 6443, 7946, 8000, 8001, 8008, 8080, 8081, 8082, 8088, 8443, 8500),
    *(8834, 8888, 9000, 9080, 9090, 9093, 9100, 9187, 9121, 9443, 10000, 10250, 19999, 50000, 61208),
)
"""What else is usually left open: application servers, admin panels, metrics, file and remote access."""

_KIND_OF_PORT = {port: store.kind for store in DATASTORES for port in store.ports}
KNOWN_PORTS = frozenset({*_KIND_OF_PORT, *OTHER_PORTS, 22, 80, 443})

# Programs that are about a datastore and are none themselves: redis_exporter, mongo-express, pgbackup.
_ABOUT = re.compile(r"exporter|express|commander|insight|admin|backup")


def datastore(kind: str) -> Datastore:
    """Return a datastore by its kind; raise KeyError where there is none of that name."""
    return {store.kind: store for store in DATASTORES}[kind]


def spoken(said: bytes) -> str:
    """Return what speaks like this: a datastore's kind, ``ssh``, ``http``, ...; empty where not known."""
    return next((kind for kind, says in _SAYS.items() if re.search(says, said)), "")


def kind_of_port(port: int) -> str:
    """Return the datastore that usually listens on a TCP port; empty where none does."""
    return _KIND_OF_PORT.get(port, "")


def kind_of_name(*names: str) -> str:
    """Return the datastore that a process or an image is, by its name; empty where it is none."""
    shorts = [short for name in names if not _ABOUT.search(short := name.rpartition("/")[2].lower())]
    return next((one.kind for one in DATASTORES for short in shorts if re.search(one.names, short)), "")
