// Command snippets is a web service that runs untrusted Python snippets: POST one, get back what
// it printed, as JSON. Each runs in a sandbox of its own, with 64 MiB, 2 seconds and no network.
//
//	go run ./examples/snippets -listen 127.0.0.1:8080
//	curl --data-binary 'print(6*7)' http://127.0.0.1:8080/
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
)

// maxOutput bounds what a snippet may print, maxProgram how long it may be, in bytes.
const (
	maxOutput  = 64 << 10
	maxProgram = 1 << 20
)

// service runs at most as many snippets at the same time as its channel has room for; others wait.
type service struct{ slots chan struct{} }

// answer is what the service returns.
type answer struct {
	Output string             `json:"output"`
	Cut    bool               `json:"cut,omitempty"`
	Result *libsandbox.Result `json:"result"`
}

// limited keeps the first maxOutput bytes and takes the rest, so that the program is not blocked.
type limited struct {
	data []byte
	cut  bool
}

func (l *limited) Write(p []byte) (int, error) {
	n := min(len(p), maxOutput-len(l.data))
	l.data = append(l.data, p[:n]...)
	l.cut = l.cut || n < len(p)
	return len(p), nil
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST a Python program", http.StatusMethodNotAllowed)
		return
	}
	// All of it first: a program that is cut off is another one.
	program, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxProgram))
	if err != nil {
		http.Error(w, err.Error(), http.StatusRequestEntityTooLarge)
		return
	}
	select {
	case s.slots <- struct{}{}:
		defer func() { <-s.slots }()
	case <-r.Context().Done():
		return
	}
	var out limited
	cmd := libsandbox.CommandContext(r.Context(), "python3", "-I", "-")
	cmd.Stdin = bytes.NewReader(program)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Timeout = 2 * time.Second
	cmd.SeccompProfile = "compute"
	cmd.Limits = libsandbox.Limits{Memory: 64 << 20, Pids: 8}
	var exit *libsandbox.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(answer{string(out.data), out.cut, cmd.Result}); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		log.Print(err)
	}
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8080", "address")
	most := flag.Int("at-once", 32, "how many snippets run at the same time")
	flag.Parse()
	server := http.Server{Addr: *listen, Handler: &service{make(chan struct{}, *most)}, ReadTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}
