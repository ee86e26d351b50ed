// A server whose handlers sleep 5 ms under one mutex.
package main

import (
	"fmt"
	"log"
	"net/http"
	"sync"
	"time"
)

func main() {
	var mutex sync.Mutex
	http.HandleFunc("/", func(answer http.ResponseWriter, _ *http.Request) {
		mutex.Lock()
		time.Sleep(5 * time.Millisecond)
		mutex.Unlock()
		fmt.Fprintln(answer, "done")
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:7405", nil))
}
