# A Go server whose handlers sleep 5 ms under one mutex, and eight clients.
command='./server'
prepare() { GO111MODULE=off GOCACHE="$PWD/cache" go build -o server "$sources/server.go"; }
load() {
    until curl -sf http://127.0.0.1:7405/ >ready; do sleep 0.05; done
    ab -q -n 80 -c 8 http://127.0.0.1:7405/ >load.log
}
