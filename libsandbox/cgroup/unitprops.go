// Properties of the scope: the fixed ones, those of annotations, and the limits.

package cgroup

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

// property is a unit property: its name and its value as a D-Bus variant.
type property struct {
	name, signature string
	put             func(*encoder)
}

func propString(name, v string) property {
	return property{name, "s", func(e *encoder) { e.string(v) }}
}
func propBool(name string, v bool) property {
	return property{name, "b", func(e *encoder) { e.bool(v) }}
}
func propU64(name string, v uint64) property {
	return property{name, "t", func(e *encoder) { e.u64(v) }}
}
func propPIDs(pid int) property {
	return property{"PIDs", "au", func(e *encoder) { e.array(4, func() { e.u32(uint32(pid)) }) }}
}
func propStrings(name string, list []string) property {
	return property{name, "as", func(e *encoder) {
		e.array(4, func() {
			for _, s := range list {
				e.string(s)
			}
		})
	}}
}
func propBytes(name string, v []byte) property {
	return property{name, "ay", func(e *encoder) { e.array(1, func() { e.b = append(e.b, v...) }) }}
}

// encodeProps writes an a(sv).
func encodeProps(e *encoder, props []property) {
	e.array(8, func() {
		for _, p := range props {
			e.align(8)
			e.string(p.name)
			e.signature(p.signature)
			p.put(e)
		}
	})
}

// annotationProps are the org.systemd.property.* annotations: Name = value, in GVariant text format,
// of which strings, booleans, numbers and lists of strings are understood. NameSec, in seconds, is
// turned to the NameUSec that D-Bus knows.
func annotationProps(annotations map[string]string) ([]property, error) {
	var out []property
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		name, ok := strings.CutPrefix(key, "org.systemd.property.")
		if !ok {
			continue
		}
		f := "annotations[" + strconv.Quote(key) + "]"
		if name == "" || strings.ContainsFunc(name, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			return nil, errdetail.New(f, "%q is not the name of a systemd property", name)
		}
		p, err := parseVariant(name, strings.TrimSpace(annotations[key]))
		if err != nil {
			return nil, errdetail.New(f, "value %s: %v", annotations[key], err)
		}
		out = append(out, p)
	}
	return out, nil
}

// parseVariant parses GVariant text.
func parseVariant(name, text string) (property, error) {
	bad := errdetail.New("", "not a string, a boolean, a number or a list of strings in GVariant text format")
	if base, ok := strings.CutSuffix(name, "Sec"); ok && base != "" && base[len(base)-1] >= 'a' && base[len(base)-1] <= 'z' {
		fields := strings.Fields(text)
		if len(fields) == 0 {
			return property{}, bad
		}
		x, err := strconv.ParseFloat(fields[len(fields)-1], 64)
		if err != nil || x < 0 {
			return property{}, errdetail.New("", "not a number of seconds")
		}
		return propU64(base+"USec", uint64(x*1e6)), nil
	}
	switch {
	case text == "true", text == "false":
		return propBool(name, text == "true"), nil
	case text == "":
		return property{}, bad
	case text[0] == '\'' || text[0] == '"':
		s, rest, ok := unquote(text)
		if !ok || rest != "" {
			return property{}, bad
		}
		return propString(name, s), nil
	case text[0] == '[' || strings.HasPrefix(text, "@as"):
		text = strings.TrimSpace(strings.TrimPrefix(text, "@as"))
		list, ok := stringList(text)
		if !ok {
			return property{}, bad
		}
		return propStrings(name, list), nil
	}
	return parseNumber(name, text, bad)
}

// parseNumber parses "5", "uint64 5" and the like; without a type it is an int32, with a point a double.
func parseNumber(name, text string, bad error) (property, error) {
	kind, num := "int32", text
	if f := strings.Fields(text); len(f) == 2 {
		kind, num = f[0], f[1]
	} else if strings.ContainsAny(text, ".eE") && !strings.HasPrefix(text, "0x") {
		kind = "double"
	}
	if kind == "double" {
		x, err := strconv.ParseFloat(num, 64)
		if err != nil {
			return property{}, bad
		}
		return property{name, "d", func(e *encoder) { e.u64(math.Float64bits(x)) }}, nil
	}
	signed := map[string]struct {
		sig  string
		bits int
	}{"int32": {"i", 32}, "int64": {"x", 64}, "uint32": {"u", 32}, "uint64": {"t", 64}}
	k, ok := signed[kind]
	if !ok {
		return property{}, bad
	}
	var u uint64
	if kind[0] == 'u' {
		v, err := strconv.ParseUint(num, 0, k.bits)
		if err != nil {
			return property{}, bad
		}
		u = v
	} else {
		v, err := strconv.ParseInt(num, 0, k.bits)
		if err != nil {
			return property{}, bad
		}
		u = uint64(v)
	}
	if k.bits == 32 {
		return property{name, k.sig, func(e *encoder) { e.u32(uint32(u)) }}, nil
	}
	return property{name, k.sig, func(e *encoder) { e.u64(u) }}, nil
}

// unquote takes a quoted string off the front of text.
func unquote(text string) (s, rest string, ok bool) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case text[i] == text[0]:
			return b.String(), strings.TrimSpace(text[i+1:]), true
		default:
			b.WriteByte(text[i])
		}
	}
	return "", "", false
}

// stringList parses ['a', 'b'].
func stringList(text string) ([]string, bool) {
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' {
		return nil, false
	}
	text = strings.TrimSpace(text[1 : len(text)-1])
	list := []string{}
	for text != "" {
		if text[0] != '\'' && text[0] != '"' {
			return nil, false
		}
		s, rest, ok := unquote(text)
		if !ok {
			return nil, false
		}
		list = append(list, s)
		if rest != "" {
			if rest[0] != ',' {
				return nil, false
			}
			rest = strings.TrimSpace(rest[1:])
		}
		text = rest
	}
	return list, true
}

// limitProps tells systemd the limits as far as it has properties for them. They are written to the
// cgroup's files as well; systemd has to know so that it does not put its own back, for example
// with daemon-reload.
func limitProps(v2 bool, r *specs.LinuxResources) []property {
	var out []property
	u64 := func(name string, v int64) {
		if v != 0 {
			out = append(out, propU64(name, uint64(v))) // -1 is systemd's infinity
		}
	}
	if m := r.Memory; m != nil {
		if v2 {
			u64("MemoryMax", val(m.Limit))
			u64("MemoryLow", val(m.Reservation))
			if swap, set, err := swapV2(val(m.Limit), val(m.Swap)); err == nil && set {
				out = append(out, propU64("MemorySwapMax", uint64(swap)))
			}
		} else {
			u64("MemoryLimit", val(m.Limit))
		}
	}
	if c := r.CPU; c != nil {
		out = append(out, cpuProps(v2, c)...)
	}
	if r.Pids != nil && r.Pids.Limit != nil {
		n := *r.Pids.Limit
		if n == 0 {
			n = 1 // systemd refuses 0
		}
		out = append(out, propU64("TasksMax", uint64(max(n, -1))))
	}
	return out
}

func cpuProps(v2 bool, c *specs.LinuxCPU) []property {
	var out []property
	idle := c.Idle != nil && *c.Idle == 1
	switch {
	case v2 && idle:
		out = append(out, propU64("CPUWeight", 0)) // "idle", since v252
	case c.Shares != nil && *c.Shares != 0 && v2:
		out = append(out, propU64("CPUWeight", WeightFromShares(*c.Shares)))
	case c.Shares != nil && *c.Shares != 0:
		out = append(out, propU64("CPUShares", *c.Shares))
	}
	quota, period := val(c.Quota), uint64(0)
	if c.Period != nil && *c.Period != 0 {
		period = *c.Period
		out = append(out, propU64("CPUQuotaPeriodUSec", period))
	}
	if quota != 0 || period != 0 {
		perSec := uint64(math.MaxUint64)
		if quota > 0 {
			if period == 0 {
				period = defaultPeriod
			}
			// systemd keeps whole percents: round up, the file gets the exact value afterwards
			perSec = (uint64(quota)*1000000/period + 9999) / 10000 * 10000
		}
		out = append(out, propU64("CPUQuotaPerSecUSec", perSec))
	}
	for name, list := range map[string]string{"AllowedCPUs": c.Cpus, "AllowedMemoryNodes": c.Mems} {
		if list != "" {
			out = append(out, propBytes(name, bitmap(ranges(list))))
		}
	}
	return out
}

// bitmap is a set of small numbers, the lowest in the first byte's lowest bit.
func bitmap(set []uint16) []byte {
	var out []byte
	for _, n := range set {
		for len(out) <= int(n/8) {
			out = append(out, 0)
		}
		out[n/8] |= 1 << (n % 8)
	}
	return out
}
