package seccomp

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// TestCompilerVersion notices that profiles compile to other programs than under the version
// noted here: compilerVersion has to be raised then, and the hash below be replaced, so that
// no cache gives out the old programs.
func TestCompilerVersion(t *testing.T) {
	const version, want = "2", "e7db8eb24975bfbb"
	h := sha256.New()
	r := rand.New(rand.NewPCG(3, 4))
	for i := range 40 {
		native := []specs.Arch{specs.ArchX86_64, specs.ArchAARCH64}[i%2]
		m, err := newModel(randomProfile(r, []specs.Arch{specs.ArchX86, specs.ArchX32, specs.ArchARM}), Options{Arch: native})
		if err != nil {
			continue
		}
		program, err := compileGo(m)
		if err != nil {
			t.Fatal(err)
		}
		for _, ins := range program {
			h.Write([]byte{byte(ins.Code), byte(ins.Code >> 8), ins.Jt, ins.Jf, byte(ins.K), byte(ins.K >> 8), byte(ins.K >> 16), byte(ins.K >> 24)})
		}
	}
	h.Write([]byte(table))
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != want || compilerVersion != version {
		t.Errorf("programs or table have changed: raise compilerVersion (%s) and note it here with the hash %s", compilerVersion, got)
	}
}
