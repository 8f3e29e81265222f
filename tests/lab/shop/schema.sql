CREATE TABLE users (
    id serial PRIMARY KEY,
    email text NOT NULL UNIQUE,
    role text NOT NULL,
    password_hash text NOT NULL,
    totp_enabled boolean NOT NULL DEFAULT false,
    totp_secret text,
    totp_confirmed_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE items (
    id serial PRIMARY KEY,
    name text NOT NULL,
    price numeric(10, 2) NOT NULL
);
CREATE TABLE orders (
    id serial PRIMARY KEY,
    item_id integer NOT NULL REFERENCES items,
    reference text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE events (
    id serial PRIMARY KEY,
    what text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO items (name, price) SELECT 'Item ' || n, n * 1.5 FROM generate_series(1, 40) n;
-- The random references keep a compressed dump at some 100 kB.
INSERT INTO orders (item_id, reference, created_at)
    SELECT 1 + n % 40, md5(random()::text) || md5(random()::text), now() - n * interval '5 minutes'
    FROM generate_series(1, 4000) n;
