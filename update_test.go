package main

import "testing"

func TestParseBytes(t *testing.T) {
	for in, want := range map[string]int64{
		"-1": -1, "0": 0, "512": 512, "64k": 65536, "64K": 65536, "64KiB": 65536, "1.5m": 1572864, "2 GB": 2 << 30, "1t": 1 << 40, "1p": 1 << 50,
	} {
		if got, err := parseBytes(in); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "k", "-2", "12x", "1e30", "nan"} {
		if got, err := parseBytes(in); err == nil {
			t.Errorf("%q: %d", in, got)
		}
	}
}
