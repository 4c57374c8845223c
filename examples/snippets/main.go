// Command snippets is a web service that runs untrusted Python snippets: POST one, get back what
// it printed, as JSON. Each runs in a sandbox of its own, with 64 MiB, 2 seconds and no network.
//
//	go run ./examples/snippets -listen 127.0.0.1:8080
//	curl --data-binary 'print(6*7)' http://127.0.0.1:8080/
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"io"
	"log"
	"net/http"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
)

// maxOutput bounds what a snippet may print, in bytes.
const maxOutput = 64 << 10

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

func run(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST a Python program", http.StatusMethodNotAllowed)
		return
	}
	var out limited
	cmd := libsandbox.CommandContext(r.Context(), "python3", "-I", "-")
	cmd.Stdin = http.MaxBytesReader(w, r.Body, 1<<20)
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
	flag.Parse()
	log.Fatal(http.ListenAndServe(*listen, http.HandlerFunc(run)))
}
