# postgres, and eight clients that all update one row in transactions of 5 ms.
as_postgres='setpriv --reuid postgres --regid postgres --clear-groups'
programs=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
command="$as_postgres $programs/postgres -D data -k $PWD -c listen_addresses= -c port=7403"
prepare() {
    chown postgres .
    $as_postgres "$programs/initdb" -D data -A trust --no-sync >initdb.log
    cat >hot.sql <<'SQL'
BEGIN;
UPDATE hot SET n = n + 1;
SELECT pg_sleep(0.005);
COMMIT;
SQL
}
load() {
    sql="psql -h $PWD -p 7403 -U postgres -q"
    until $sql -c 'CREATE TABLE hot (n int); INSERT INTO hot VALUES (0)' 2>ready; do sleep 0.1; done
    pgbench -h "$PWD" -p 7403 -U postgres -n -c 8 -j 1 -t 12 -f hot.sql postgres >load.log 2>&1
}
