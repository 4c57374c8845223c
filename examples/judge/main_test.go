package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestJudge(t *testing.T) {
	if _, err := exec.LookPath("gcc"); err != nil {
		t.Skip("no gcc on this host")
	}
	dir, err := os.MkdirTemp("/tmp", "judge-test-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) string {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	write("1.in", "2 3\n")
	write("1.out", "5\n")
	if _, _, err := contest(context.Background(), write("source.c", "int main() {}"), t.TempDir()); err == nil {
		t.Error("passed without a test")
	}
	for _, c := range []struct {
		want   verdict
		source string
	}{
		{accepted, `#include <stdio.h>
int main() { int a, b; scanf("%d %d", &a, &b); printf("%d\n", a + b); }`},
		{wrong, `#include <stdio.h>
int main() { puts("6"); }`},
		{tooLong, `#include <stdio.h>
int main() { for (;;) puts("5"); }`},
		{tooSlow, `int main() { for (volatile int i;;) i++; }`},
		{crashed, `#include <stdlib.h>
int main() { abort(); }`},
		{crashed, `#include <unistd.h>
int main() { return fork() == -1; }`},
		{notCompiled, `int main( {`},
		{notCompiled, `#include "/etc/shadow"
int main() {}`},
	} {
		v, text, err := contest(context.Background(), write("source.c", c.source), dir)
		for i := 0; i < 10 && v == tooSlow && c.want != tooSlow; i++ { // on a busy machine
			v, text, err = contest(context.Background(), write("source.c", c.source), dir)
		}
		if err != nil || v != c.want {
			t.Errorf("want %s: %s %s %v", c.want, v, text, err)
		}
	}
}
