// The executable image: a sealed memory file, or an unlinked file where memory files may not
// be executed.

package stage

import (
	"errors"
	"os"
	"syscall"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/errdetail"
	"golang.org/x/sys/unix"
)

// Image returns a descriptor that can be executed as /proc/self/fd/N. It is a private copy of
// elf that nobody can write to, so what runs inside a container is never the host's binary
// (CVE-2019-5736). fallbackDir, where not empty, is used if the kernel refuses executable memory
// files (sysctl vm.memfd_noexec=2).
func Image(elf []byte, fallbackDir string) (*os.File, error) {
	f, err := memfdImage(elf)
	if err == nil || fallbackDir == "" {
		return f, err
	}
	if !errors.Is(err, syscall.EACCES) && !errors.Is(err, syscall.ENOSYS) && !errors.Is(err, syscall.EPERM) {
		return nil, err
	}
	return FileImage(elf, fallbackDir)
}

func memfdImage(elf []byte) (*os.File, error) {
	const name = "sandbox-runtime:init"
	flags := unix.MFD_CLOEXEC | unix.MFD_ALLOW_SEALING | unix.MFD_EXEC
	fd, err := unix.MemfdCreate(name, flags)
	if err == unix.EINVAL { // MFD_EXEC is known since Linux 6.3
		fd, err = unix.MemfdCreate(name, flags&^unix.MFD_EXEC)
	}
	if err != nil {
		return nil, errdetail.Sys("make the init's executable", "memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), name)
	if _, err := f.Write(elf); err != nil {
		f.Close()
		return nil, errdetail.Sys("write the init's executable", "write", err)
	}
	seals := unix.F_SEAL_SEAL | unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, seals); err != nil {
		f.Close()
		return nil, errdetail.Sys("seal the init's executable", "fcntl", err)
	}
	return f, nil
}

// FileImage is Image by an unlinked file in dir, which must not be mounted noexec. The writable
// descriptor is closed before the file is returned; nobody can open the file by a name.
func FileImage(elf []byte, dir string) (*os.File, error) {
	w, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_RDWR|unix.O_EXCL, 0o500)
	if err != nil {
		return nil, errdetail.Sys("make the init's executable in "+dir, "open", err)
	}
	defer w.Close()
	if _, err := w.Write(elf); err != nil {
		return nil, errdetail.Sys("write the init's executable in "+dir, "write", err)
	}
	return os.Open(ProcFD(int(w.Fd())))
}
