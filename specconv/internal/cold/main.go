// Command cold measures what reading a configuration costs in a fresh process, where nothing is
// warm: it loads one bundle once and prints the nanoseconds it took. Run it many times:
//
//	go build -o /tmp/cold ./specconv/internal/cold
//	for i in $(seq 100); do /tmp/cold BUNDLE; done | sort -n
//
// With a second argument, encoding/json decodes instead, for comparison.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/specconv"
)

func main() {
	start := time.Now()
	var err error
	if len(os.Args) > 2 {
		var data []byte
		if data, err = os.ReadFile(filepath.Join(os.Args[1], specconv.ConfigName)); err == nil {
			err = json.Unmarshal(data, new(specs.Spec))
		}
	} else {
		_, err = specconv.Load(os.Args[1])
	}
	took := time.Since(start)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(took.Nanoseconds())
}
