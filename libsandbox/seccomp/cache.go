// Compiled filters kept on disk. A filter is security policy, so a file is believed only if it
// and its directory belong to this user and nobody else can write to them, and if it is whole.
// Whatever is wrong with the cache, the answer is to compile.

package seccomp

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

const (
	// cacheEntries is how many files the cache may hold; the oldest ones go first. The number is
	// looked at when a file is added.
	cacheEntries = 64
	// cacheMagic begins every file; the number is the format's.
	cacheMagic = "sbxbpf1\n"
	cacheSum   = sha256.Size
	cacheHead  = len(cacheMagic) + cacheSum + 8
	cacheMax   = cacheHead + 8*maxProgram
	// touchAfter is how old a file gets before its use is noted in its time stamp.
	touchAfter = time.Hour
)

// CompileCached is Compile with its results kept in the directory dir, which is made (mode 0700)
// if it is missing; its parent has to exist. A directory or file that belongs to another user,
// or that others may write to, is not used and not touched. Any number of processes may use
// one directory at the same time. Errors are those of Compile: trouble with the cache is none.
func CompileCached(profile *specs.LinuxSeccomp, opts Options, dir string) (*Filter, error) {
	f, _, err := compileCached(profile, opts, dir)
	return f, err
}

// compileCached says also whether the program was found in the cache.
func compileCached(profile *specs.LinuxSeccomp, opts Options, dir string) (*Filter, bool, error) {
	if empty(profile) {
		return nil, false, nil
	}
	fd, ok := openCache(dir)
	if !ok {
		f, err := Compile(profile, opts)
		return f, false, err
	}
	defer unix.Close(fd)
	key := cacheKey(profile, opts)
	if f := load(fd, key); f != nil {
		fl, err := flags(profile, f.Notify)
		if err != nil {
			return nil, false, err
		}
		f.Flags = fl
		return f, true, nil
	}
	f, err := Compile(profile, opts)
	if err == nil {
		store(fd, key, f)
	}
	return f, false, err
}

// openCache opens the directory, making it if need be, and checks that it is ours alone. All
// else goes through the descriptor, so that the path cannot be changed under us.
func openCache(dir string) (int, bool) {
	const how = unix.O_RDONLY | unix.O_DIRECTORY | unix.O_NOFOLLOW | unix.O_CLOEXEC
	fd, err := unix.Open(dir, how, 0)
	if err == unix.ENOENT {
		if err := unix.Mkdir(dir, 0o700); err != nil && err != unix.EEXIST {
			return -1, false
		}
		fd, err = unix.Open(dir, how, 0)
	}
	if err != nil {
		return -1, false
	}
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || int(st.Uid) != unix.Geteuid() || st.Mode&0o077 != 0 {
		unix.Close(fd)
		return -1, false
	}
	return fd, true
}

// load reads a filter, nil if there is none that can be trusted.
func load(dir int, key string) *Filter {
	fd, err := unix.Openat(dir, key, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG || st.Mode&0o022 != 0 ||
		int(st.Uid) != unix.Geteuid() || st.Nlink != 1 || st.Size > int64(cacheMax) {
		return nil
	}
	data := make([]byte, st.Size)
	if n, err := unix.Read(fd, data); err != nil || n != len(data) {
		return nil
	}
	f := decode(data, key)
	if f != nil && time.Since(time.Unix(st.Mtim.Unix())) > touchAfter {
		now := unix.Timespec{Nsec: unix.UTIME_NOW}
		_ = unix.UtimesNanoAt(dir, key, []unix.Timespec{now, now}, unix.AT_SYMLINK_NOFOLLOW)
	}
	return f
}

// A file is: magic, SHA-256 of the key and all that follows, the number of instructions and
// whether there is a listener (two 32-bit words), the instructions; in native byte order.
func encode(f *Filter, key string) []byte {
	data := make([]byte, cacheHead, cacheHead+8*len(f.Program))
	copy(data, cacheMagic)
	head := data[len(cacheMagic)+cacheSum:]
	binary.NativeEndian.PutUint32(head, uint32(len(f.Program)))
	if f.Notify {
		head[4] = 1
	}
	data = append(data, f.Bytes()...)
	sum := checksum(data, key)
	copy(data[len(cacheMagic):], sum[:])
	return data
}

func checksum(data []byte, key string) [cacheSum]byte {
	body := data[len(cacheMagic)+cacheSum:]
	return sha256.Sum256(append([]byte(key), body...))
}

func decode(data []byte, key string) *Filter {
	if len(data) < cacheHead+8 || string(data[:len(cacheMagic)]) != cacheMagic {
		return nil
	}
	if sum := checksum(data, key); string(sum[:]) != string(data[len(cacheMagic):len(cacheMagic)+cacheSum]) {
		return nil
	}
	head := data[len(cacheMagic)+cacheSum:]
	n := int(binary.NativeEndian.Uint32(head))
	if n > maxProgram || len(data) != cacheHead+8*n {
		return nil
	}
	f := &Filter{Program: make([]unix.SockFilter, n), Notify: head[4] == 1}
	copy(f.Bytes(), data[cacheHead:])
	return f
}

// store writes a filter. Readers see all of it or nothing; of two writers the last one wins, with
// the same content.
func store(dir int, key string, f *Filter) {
	var name [8]byte
	rand.Read(name[:])
	temp := ".new-" + hex.EncodeToString(name[:])
	fd, err := unix.Openat(dir, temp, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0o600)
	if err != nil {
		return
	}
	data := encode(f, key)
	n, err := unix.Write(fd, data)
	unix.Close(fd)
	if err != nil || n != len(data) || unix.Renameat(dir, temp, dir, key) != nil {
		_ = unix.Unlinkat(dir, temp, 0)
		return
	}
	evict(dir)
}

// evict removes the files that were not used for longest until cacheEntries are left, and what
// writers that died have left behind.
func evict(dir int) {
	fd, err := unix.Openat(dir, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	d := os.NewFile(uintptr(fd), "seccomp cache")
	defer d.Close()
	names, err := d.Readdirnames(-1)
	if err != nil || len(names) <= cacheEntries {
		return
	}
	type file struct {
		name string
		used int64
	}
	var files []file
	for _, name := range names {
		var st unix.Stat_t
		if unix.Fstatat(dir, name, &st, unix.AT_SYMLINK_NOFOLLOW) != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
			continue
		}
		used := st.Mtim.Nano()
		if strings.HasPrefix(name, ".new-") {
			if time.Since(time.Unix(0, used)) < time.Minute {
				continue // being written
			}
			used = 0
		}
		files = append(files, file{name, used})
	}
	slices.SortFunc(files, func(a, b file) int { return int(min(max(a.used-b.used, -1), 1)) })
	for i := 0; i < len(files)-cacheEntries || i < len(files) && files[i].used == 0; i++ {
		_ = unix.Unlinkat(dir, files[i].name, 0)
	}
}
