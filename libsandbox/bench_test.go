package libsandbox

import (
	"context"
	"runtime"
	"testing"
)

func BenchmarkExecute(b *testing.B) {
	for b.Loop() {
		if _, err := Execute(context.Background(), ProcessConfig{Program: "/bin/true"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkExecuteBigHeap is the same from a program with 2 GiB of touched memory: a start must
// not copy the caller's page tables.
func BenchmarkExecuteBigHeap(b *testing.B) {
	heap := make([]byte, 2<<30)
	for i := 0; i < len(heap); i += 4096 {
		heap[i] = 1
	}
	BenchmarkExecute(b)
	runtime.KeepAlive(heap)
}
