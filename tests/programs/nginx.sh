# nginx with two workers: a large file read by clients, one of them slow.
command='nginx -p . -c nginx.conf'
prepare() {
    mkdir -p html temp
    head -c 20000000 /dev/zero >html/large
    echo hello >html/small
    chmod -R a+rX .
    cat >nginx.conf <<'CONF'
daemon off;
worker_processes 2;
pid nginx.pid;
error_log error.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    server { listen 127.0.0.1:7402; root html; }
}
CONF
}
load() {
    until curl -sf http://127.0.0.1:7402/small >ready; do sleep 0.05; done
    curl -s --limit-rate 15M http://127.0.0.1:7402/large >slow &
    ab -q -n 300 -c 4 http://127.0.0.1:7402/small >load.log
    wait
}
