// The decoder's run-time half: a cursor over config.json that remembers where it is, so that
// every error can name its field. The other half, one function per type of the runtime-spec, is
// generated into decode_gen.go and its neighbours.
//
// encoding/json is not used because its first look at the specs types by reflection costs 0.6 ms
// in each fresh process, more than all the rest of reading the configuration.

package specconv

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
)

//go:generate go run ./internal/gen

// pathElem is one step of the way to a value: a field's name, a map's key or an array's index.
type pathElem struct {
	name  string
	key   bool
	index int // used when name is empty and key is false
}

// decoder reads one document. The first error sticks: afterwards every method does nothing, so
// that generated code needs no error handling of its own.
type decoder struct {
	data []byte
	// text is data once more. Strings of the result are pieces of it, which saves an allocation
	// for each of them and each name.
	text string
	json *jsontext.Decoder
	path []pathElem
	name string // of the object member just entered; set by next
	err  error
}

func newDecoder(data []byte) *decoder {
	// The engines write and read config.json with encoding/json, so what it tolerates is
	// tolerated here: duplicate names and invalid UTF-8 (read as U+FFFD).
	return &decoder{
		data: data,
		text: string(data),
		json: jsontext.NewDecoder(bytes.NewBuffer(data),
			jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)),
		path: make([]pathElem, 0, 8),
	}
}

// finish reports the first error, or anything that follows the document.
func (d *decoder) finish() error {
	if d.err == nil {
		if _, err := d.json.ReadToken(); !errors.Is(err, io.EOF) {
			d.err = d.errorf("want the end of the file after the JSON value%s", d.position())
		}
	}
	return d.err
}

// errorf is an error about the value the decoder is at.
func (d *decoder) errorf(format string, args ...any) error {
	return errdetail.New(d.field(), format, args...)
}

// field writes the way to the current value as a person would: mounts[4].options[1].
func (d *decoder) field() string {
	var b strings.Builder
	for _, e := range d.path {
		switch {
		case e.key:
			fmt.Fprintf(&b, "[%q]", e.name)
		case e.name != "":
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(e.name)
		default:
			fmt.Fprintf(&b, "[%d]", e.index)
		}
	}
	return b.String()
}

// position tells how far the file has been read, for a person with an editor.
func (d *decoder) position() string { return position(d.data, d.json.InputOffset()) }

func position(data []byte, offset int64) string {
	offset = min(max(offset, 0), int64(len(data)))
	before := data[:offset]
	line := bytes.Count(before, []byte{'\n'}) + 1
	column := utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:]) + 1
	return fmt.Sprintf(" (line %d, column %d)", line, column)
}

// fail records a tokenizer's error: text that is not JSON, or ends too early. It names the place
// and no field, since which field the author had in mind is a guess then.
func (d *decoder) fail(err error) {
	if d.err != nil {
		return
	}
	offset := int64(len(d.data))
	what := "the file ends in the middle of a value"
	var syntax *jsontext.SyntacticError
	if errors.As(err, &syntax) && !errors.Is(err, io.ErrUnexpectedEOF) {
		offset, what = syntax.ByteOffset, "not valid JSON: "+syntax.Err.Error()
	}
	if len(bytes.TrimSpace(d.data)) == 0 {
		what = "the file is empty"
	}
	d.err = &errdetail.Error{Err: errors.New(what + position(d.data, offset))}
}

// want records that the current value is of the wrong kind or out of range.
func (d *decoder) want(what string, got []byte) {
	if d.err == nil {
		start := d.json.InputOffset() - int64(len(got))
		d.err = d.errorf("want %s, got %s%s", what, excerpt(got), position(d.data, start))
	}
}

// excerpt shortens a JSON value for an error's text.
func excerpt(raw []byte) string {
	const most = 60
	switch {
	case len(raw) == 0:
		return "nothing"
	case raw[0] == '{':
		return "an object"
	case raw[0] == '[':
		return "an array"
	case len(raw) > most:
		return strings.ToValidUTF8(string(raw[:most]), "") + "…"
	}
	return strings.ToValidUTF8(string(raw), "\uFFFD")
}

// value reads the next value whole; nil after an error.
func (d *decoder) value() []byte {
	if d.err != nil {
		return nil
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		d.fail(err)
		return nil
	}
	return raw
}

func (d *decoder) skip() {
	if d.err == nil {
		if err := d.json.SkipValue(); err != nil {
			d.fail(err)
		}
	}
}

// null consumes a null and reports whether there was one.
func (d *decoder) null() bool {
	if d.err != nil || d.json.PeekKind() != 'n' {
		return false
	}
	d.value()
	return d.err == nil
}

// open enters an object or an array. A null is consumed and not entered, which leaves the target
// as it is, as encoding/json does.
func (d *decoder) open(kind jsontext.Kind, what string) bool {
	if d.err != nil || d.null() {
		return false
	}
	if k := d.json.PeekKind(); k != kind {
		if raw := d.value(); raw != nil {
			d.want(what, raw)
		}
		return false
	}
	if _, err := d.json.ReadToken(); err != nil {
		d.fail(err)
		return false
	}
	return true
}

// begin enters an object; next then steps through its members.
func (d *decoder) begin() bool {
	if !d.open('{', "an object") {
		return false
	}
	d.path = append(d.path, pathElem{})
	return true
}

// next moves to the object's next member and puts its name into d.name; at the object's end it
// leaves the object and reports false.
func (d *decoder) next() bool { return d.member(false) }

func (d *decoder) member(key bool) bool {
	if d.err != nil {
		return false
	}
	last := len(d.path) - 1
	if d.json.PeekKind() == '}' {
		d.path = d.path[:last]
		if _, err := d.json.ReadToken(); err != nil {
			d.fail(err)
		}
		return false
	}
	raw := d.value()
	if raw == nil {
		return false
	}
	d.name = d.unquote(raw)
	d.path[last] = pathElem{name: d.name, key: key}
	return true
}

// fold looks for the known name that d.name differs from only in case, as encoding/json does
// where no name matches exactly, and makes it d.name.
func (d *decoder) fold(known ...string) bool {
	for _, k := range known {
		if strings.EqualFold(k, d.name) {
			d.name = k
			d.path[len(d.path)-1].name = k
			return true
		}
	}
	return false
}

// unquote gives the text of a JSON string that the tokenizer has just read.
func (d *decoder) unquote(raw []byte) string {
	end := int(d.json.InputOffset()) - 1
	inner := d.text[end-len(raw)+2 : end]
	if strings.IndexByte(inner, '\\') < 0 && utf8.ValidString(inner) {
		return inner
	}
	// Its error only tells of invalid UTF-8, which is replaced and wanted so.
	text, _ := jsontext.AppendUnquote(nil, raw)
	return string(text)
}

func decodeString[T ~string](d *decoder, p *T) {
	raw := d.value()
	switch {
	case raw == nil || raw[0] == 'n':
	case raw[0] != '"':
		d.want("a string", raw)
	default:
		*p = T(d.unquote(raw))
	}
}

func decodeBool(d *decoder, p *bool) {
	raw := d.value()
	switch {
	case raw == nil || raw[0] == 'n':
	case raw[0] != 't' && raw[0] != 'f':
		d.want("true or false", raw)
	default:
		*p = raw[0] == 't'
	}
}

// decodeUint reads a whole number of the given size in bits. Like encoding/json it takes neither
// 1.0 nor 1e3 for one.
func decodeUint[T ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64](d *decoder, p *T) {
	raw := d.value()
	if raw == nil || raw[0] == 'n' {
		return
	}
	n, err := strconv.ParseUint(string(raw), 10, bits.Len64(uint64(^T(0))))
	if err != nil {
		d.want(fmt.Sprintf("a number from 0 to %d", ^T(0)), raw)
		return
	}
	*p = T(n)
}

// decodeInt is decodeUint for signed numbers.
func decodeInt[T ~int | ~int8 | ~int16 | ~int32 | ~int64](d *decoder, p *T) {
	raw := d.value()
	if raw == nil || raw[0] == 'n' {
		return
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil || int64(T(n)) != n {
		most := int64(math.MaxInt64)
		for int64(T(most)) != most {
			most >>= 1
		}
		d.want(fmt.Sprintf("a number from %d to %d", -most-1, most), raw)
		return
	}
	*p = T(n)
}

// decodePointer decodes an optional value: null clears it, anything else is read into what is
// there already (a duplicate name) or a new one.
func decodePointer[T any](d *decoder, p **T, elem func(*decoder, *T)) {
	if d.null() {
		*p = nil
		return
	}
	if d.err != nil {
		return
	}
	if *p == nil {
		*p = new(T)
	}
	elem(d, *p)
}

// decodeSlice decodes an array. Where a name occurs twice, elements are read over those of the
// first one, as encoding/json does: two readers of one file must never see different containers.
func decodeSlice[T any](d *decoder, p *[]T, elem func(*decoder, *T)) {
	if d.null() {
		*p = nil
		return
	}
	if !d.open('[', "an array") {
		return
	}
	s := *p
	i := 0
	d.path = append(d.path, pathElem{})
	for d.err == nil && d.json.PeekKind() != ']' {
		if i == MaxElements {
			d.path = d.path[:len(d.path)-1]
			d.err = d.errorf("has more than %d entries%s", MaxElements, d.position())
			return
		}
		d.path[len(d.path)-1] = pathElem{index: i}
		if i >= cap(s) {
			s = slices.Grow(s[:i], max(4, i))
		}
		if i >= len(s) {
			s = s[:i+1]
		}
		elem(d, &s[i])
		i++
	}
	if d.err != nil {
		return
	}
	if _, err := d.json.ReadToken(); err != nil {
		d.fail(err)
		return
	}
	d.path = d.path[:len(d.path)-1]
	if i == 0 {
		s = make([]T, 0)
	}
	*p = s[:i]
}

// decodeMap decodes an object with free keys.
func decodeMap[T any](d *decoder, p *map[string]T, elem func(*decoder, *T)) {
	if d.null() {
		*p = nil
		return
	}
	if !d.begin() {
		return
	}
	if *p == nil {
		*p = make(map[string]T)
	}
	for d.member(true) {
		key := d.name
		var v T
		elem(d, &v)
		if d.err != nil {
			return
		}
		(*p)[key] = v
		if len(*p) > MaxElements {
			d.path = d.path[:len(d.path)-1]
			d.err = d.errorf("has more than %d entries%s", MaxElements, d.position())
			return
		}
	}
}
