# redis that syncs its log after each write, and twenty clients that set keys.
command='redis-server --port 7401 --bind 127.0.0.1 --appendonly yes --appendfsync always --logfile redis.log'
load() {
    until redis-cli -p 7401 ping >ready 2>&1; do sleep 0.05; done
    redis-benchmark -p 7401 -t set -n 1500 -c 20 -q >load.log
}
