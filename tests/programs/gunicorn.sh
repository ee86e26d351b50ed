# gunicorn with two workers whose requests wait 20 ms for a database that is a sleep.
command='/usr/bin/python3 /usr/bin/gunicorn -w 2 -b 127.0.0.1:7407 app:answer'
prepare() { cp "$sources/app.py" .; }
load() {
    until curl -sf http://127.0.0.1:7407/ >ready; do sleep 0.05; done
    ab -q -n 50 -c 4 http://127.0.0.1:7407/ >load.log
}
