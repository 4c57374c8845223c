package main

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestSnippets(t *testing.T) {
	for _, c := range []struct{ name, program, want string }{
		{"prints", "print(6*7)", "42\n"},
		{"loops for ever", "while True: pass", ""},
		{"takes memory", "x = 'a' * 500_000_000; print(len(x))", ""},
		{"wants the network", "import socket\ntry: socket.socket()\nexcept OSError as e: print(type(e).__name__)", "PermissionError\n"},
		{"reads the host", "import os; print(sorted(os.listdir('/')).count('home'))", "0\n"},
		{"floods", "print('a' * 1000000)", ""},
	} {
		a := post(t, c.program)
		for range 10 { // two seconds may be short on a busy machine
			if !a.Result.TimedOut || c.name == "loops for ever" {
				break
			}
			a = post(t, c.program)
		}
		if c.want != "" && (a.Output != c.want || a.Result.ExitCode != 0) {
			t.Errorf("%s: %+v %+v", c.name, a, a.Result)
		}
		switch c.name {
		case "loops for ever":
			if !a.Result.TimedOut {
				t.Errorf("%s: %+v", c.name, a.Result)
			}
		case "takes memory":
			if strings.Contains(a.Output, "500000000") || a.Result.ExitCode == 0 {
				t.Errorf("%s: %+v %+v", c.name, a, a.Result)
			}
		case "floods":
			if !a.Cut || len(a.Output) != maxOutput {
				t.Errorf("%s: %d bytes, cut: %v", c.name, len(a.Output), a.Cut)
			}
		}
	}
}

func TestTooLong(t *testing.T) {
	w := httptest.NewRecorder()
	newService().ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader("print(1)#"+strings.Repeat("x", maxProgram))))
	if w.Code != 413 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func newService() *service { return &service{make(chan struct{}, 1)} }

func post(t *testing.T, program string) answer {
	t.Helper()
	w := httptest.NewRecorder()
	newService().ServeHTTP(w, httptest.NewRequest("POST", "/", strings.NewReader(program)))
	var a answer
	if err := json.Unmarshal(w.Body.Bytes(), &a); err != nil || w.Code != 200 {
		t.Fatalf("%s: %d %s", program, w.Code, w.Body)
	}
	return a
}
